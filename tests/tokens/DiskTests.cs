using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Faults of a disk, really produced. Needs root and the right to mount; skips where it has not got them.</summary>
public sealed class DiskTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const uint Nobody = 65534;

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string Disk => directory["disk"];

    private string TokenFile => Path.Combine(Disk, "token.json");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public DiskTests() => Directory.CreateDirectory(Disk);

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Row_15_and_16_on_a_full_disk_the_token_lives_in_memory_and_the_good_file_stays_whole()
    {
        using var space = MountNamespace.Enter();
        space.Mount("-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", Disk);
        var before = Kept.Json(Kept.Some(time));
        space.Do(() => File.WriteAllText(TokenFile, before));
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();
        space.Do(Fill);

        await kept.WhenExpired();
        var unpersisted = kept.Snapshot.Unpersisted;
        Assert.NotNull(unpersisted);
        Assert.Equal("access-1", (await kept.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        Assert.Equal(before, space.Do(() => File.ReadAllText(TokenFile)));
        Assert.DoesNotContain(space.Do(() => Directory.GetFiles(Disk)), f => f.EndsWith(".tmp", StringComparison.Ordinal));

        // Tried again, with growing waits and without a renewal or another line in the log.
        for (var again = 2; again <= 5; again++)
        {
            time.Advance(kept.Snapshot.Unpersisted!.RetryAt - time.GetUtcNow());
            await kept.Visit();
            Assert.Equal((again, unpersisted.Since), (kept.Snapshot.Unpersisted!.FailedWrites, kept.Snapshot.Unpersisted.Since));
        }
        Assert.Single(kept.Logs.At(LogLevel.Error), line => line.Contains("is in memory only"));
        Assert.Equal(1, kept.Grant.Requests);
        Assert.NotNull(await kept.TokenManager.CloseAsync(Cancellation));

        space.Do(() => File.Delete(Path.Combine(Disk, "filler")));
        Assert.Null(await kept.TokenManager.CloseAsync(Cancellation));
        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Contains("refresh-1", space.Do(() => File.ReadAllText(TokenFile)));
        Assert.Equal(1, kept.Logs.Count("the token is saved in"));
    }

    [Fact]
    public async Task Row_15_and_19_on_a_read_only_mount_tokens_are_read_and_adopted_and_renewals_live_in_memory()
    {
        using var space = MountNamespace.Enter();
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        space.Mount("--bind", Disk, Disk);
        space.Mount("-o", "remount,bind,ro", Disk);
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();
        Assert.Equal("access-0", kept.Access);

        await kept.WhenExpired();
        Assert.Equal("access-1", kept.Access);
        Assert.NotNull(kept.Snapshot.Unpersisted);
        Assert.Equal(["token.json"], Directory.GetFiles(Disk).Select(Path.GetFileName));
        Assert.Equal(1, kept.Logs.Count("cannot be locked"));

        // Another writer, outside of our read-only view of the directory.
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time, number: "theirs")));
        await kept.Visit();
        Assert.Equal("access-theirs", kept.Access);
        Assert.Null(kept.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task Row_17_a_file_mounted_by_itself_is_written_in_place_and_said_once()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", Kept.Json(Kept.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();

        await kept.WhenDue();
        await kept.WhenDue();

        Assert.Contains("refresh-2", File.ReadAllText(directory["real.json"]));
        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Equal(1, kept.Logs.Count("was written in place, because it is mounted as a single file; mount its directory instead"));
        Assert.Equal(["token.json", "token.json.lock"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Row_17_a_file_mounted_into_a_read_only_folder_is_written_in_place()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", Kept.Json(Kept.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", Disk, Disk);
        space.Mount("-o", "remount,bind,ro", Disk);
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();

        await kept.WhenDue();

        Assert.Contains("refresh-1", File.ReadAllText(directory["real.json"]));
        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Equal(1, kept.Logs.Count("because it is mounted as a single file"));
    }

    [Fact]
    public async Task Row_17_on_a_full_disk_a_file_mounted_by_itself_keeps_its_old_content()
    {
        using var space = MountNamespace.Enter();
        space.Mount("-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", Disk);
        var (real, before) = (Path.Combine(Disk, "real.json"), Kept.Json(Kept.Some(time)));
        space.Do(() => File.WriteAllText(real, before));
        space.Do(() => File.WriteAllText(TokenFile, ""));
        space.Mount("--bind", real, TokenFile);
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();
        space.Do(Fill);

        await kept.WhenExpired();

        Assert.NotNull(kept.Snapshot.Unpersisted);
        Assert.Equal(before, space.Do(() => File.ReadAllText(real)));
    }

    [Fact]
    public async Task Row_17_a_damaged_file_mounted_by_itself_is_copied_aside_once()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", "not a token");
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var kept = await new Kept(space.Within(Kept.Plain(TokenFile, time)), time).Loaded();

        for (var look = 0; look < 5; look++)
        {
            time.Advance(kept.Options.ReadEvery);
            await kept.Visit();
        }
        Assert.Equal("not a token", File.ReadAllText(Assert.Single(Directory.GetFiles(Disk), f => f.Contains("corrupt"))));

        await kept.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);
        Assert.Contains("refresh-0", File.ReadAllText(directory["real.json"]));
    }

    [Fact]
    public async Task A_logout_empties_a_file_mounted_by_itself()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", Kept.Json(Kept.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        var store = space.Within(Kept.Plain(TokenFile, time));
        using var kept = await new Kept(store, time).Loaded();

        Assert.Null(await kept.TokenManager.ForgetAsync(Cancellation));

        Assert.Equal("", File.ReadAllText(directory["real.json"]));
        Assert.IsType<ReadResult.LoggedOut>(await store.ReadAsync(Cancellation));
        await kept.TokenManager.AdoptAsync(Kept.Some(time, number: "again"), Cancellation);
        Assert.Equal("refresh-again", await kept.StoredRefresh());
    }

    [Fact]
    public async Task Row_15_a_folder_that_is_gone_is_waited_for()
    {
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        Directory.Delete(Disk, recursive: true);

        await kept.WhenExpired();
        Assert.Equal("access-1", kept.Access);
        Assert.NotNull(kept.Snapshot.Unpersisted);

        Directory.CreateDirectory(Disk);
        time.Advance(kept.Snapshot.Unpersisted!.RetryAt - time.GetUtcNow());
        await kept.Visit();
        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Equal("refresh-1", await kept.StoredRefresh());
    }

    [Fact]
    public async Task Row_21_a_file_that_is_not_ours_is_said_to_be_unreadable_and_not_missing()
    {
        using var nobody = MountNamespace.As(Nobody);
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        Open(directory.Path, Disk);
        using var kept = await new Kept(nobody.Within(Kept.Plain(TokenFile, time)), time).Loaded();
        Assert.Equal(1, kept.Logs.Count("cannot be read"));

        File.SetUnixFileMode(Disk, OwnerOnly);
        Assert.IsType<ReadResult.Unreadable>(await kept.Store.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Row_21_what_root_writes_stays_the_owners()
    {
        MountNamespace.As(Nobody).Dispose();
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        await Give(Nobody, TokenFile);
        using var root = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        await root.WhenDue();

        Assert.Equal((Nobody, Nobody), Posix.OwnerOf(TokenFile));
        Assert.Equal((Nobody, Nobody), Posix.OwnerOf($"{TokenFile}.lock"));
        Assert.Equal((OwnerOnly, OwnerOnly), (File.GetUnixFileMode(TokenFile), File.GetUnixFileMode($"{TokenFile}.lock")));
    }

    [Fact]
    public async Task Row_21_what_root_writes_first_belongs_to_the_owner_of_the_folder()
    {
        MountNamespace.As(Nobody).Dispose();
        await Give(Nobody, Disk);
        using var root = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        await root.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);
        await root.TokenManager.ForgetAsync(Cancellation);

        Assert.Equal(["token.json.lock", "token.json.signed-out"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(Disk), file => Assert.Equal((Nobody, Nobody), Posix.OwnerOf(file)));
    }

    [Fact]
    public async Task Row_21_a_file_whose_owner_cannot_be_kept_is_written_in_place()
    {
        using var nobody = MountNamespace.As(Nobody);
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);
        Open(directory.Path);
        await Give(Nobody, Disk);
        using var kept = await new Kept(nobody.Within(Kept.Plain(TokenFile, time)), time).Loaded();

        await kept.WhenDue();

        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Contains("refresh-1", File.ReadAllText(TokenFile));
        Assert.Equal((0u, 0u), Posix.OwnerOf(TokenFile));
        Assert.Equal(1, kept.Logs.Count("because its owner cannot be given to a new file"));
        Assert.Equal(["token.json", "token.json.lock"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Row_21_a_file_that_may_be_read_and_not_written_is_used_and_its_successor_lives_in_memory()
    {
        using var nobody = MountNamespace.As(Nobody);
        directory.Write("disk/token.json", Kept.Json(Kept.Some(time)));
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.OtherRead);
        Open(directory.Path, Disk);
        using var kept = await new Kept(nobody.Within(Kept.Plain(TokenFile, time)), time).Loaded();

        await kept.WhenExpired();

        Assert.Equal("access-1", kept.Access);
        Assert.Contains("this process may not", kept.Snapshot.Unpersisted?.Reason);
        Assert.Contains("refresh-0", File.ReadAllText(TokenFile));
    }

    private void Fill()
    {
        using var filler = new FileStream(Path.Combine(Disk, "filler"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                filler.Write(new byte[4096]);
                filler.Flush();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static void Open(params IEnumerable<string> directories)
    {
        foreach (var path in directories)
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
    }

    private static async Task Give(uint user, string path) => Assert.Equal(0, (await Peer.Run("chown", [$"{user}:{user}", path], default, Cancellation)).ExitCode);
}

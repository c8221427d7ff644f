using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Real disk failures. Needs root and permission to mount; otherwise the tests are skipped.</summary>
public sealed class DiskTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const uint OtherUser = 65534;

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string Disk => directory["disk"];

    private string TokenFile => Path.Combine(Disk, "token.json");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public DiskTests() => Directory.CreateDirectory(Disk);

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Row_15_and_16_on_a_full_disk_the_new_token_is_written_over_the_spent_one(bool isMounted)
    {
        using var space = MountNamespace.Enter();
        space.Mount("-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", Disk);
        space.Do(() => File.WriteAllText(TokenFile, TokenManagerBench.Json(TokenManagerBench.Some(time))));
        if (isMounted)
        {
            var real = Path.Combine(Disk, "real.json");
            space.Do(() => File.Copy(TokenFile, real));
            space.Mount("--bind", real, TokenFile);
        }
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();
        space.Do(Fill);

        await bench.WhenExpired();

        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Contains("refresh-1", space.Do(() => File.ReadAllText(TokenFile)));
        Assert.Equal(1, bench.Logs.Count("was written in place, because"));
        Assert.DoesNotContain(space.Do(() => Directory.GetFiles(Disk)), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Row_15_and_16_on_a_full_disk_a_larger_token_stays_in_memory_and_the_file_stays_complete()
    {
        using var space = MountNamespace.Enter();
        space.Mount("-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", Disk);
        var before = TokenManagerBench.Json(TokenManagerBench.Some(time));
        space.Do(() => File.WriteAllText(TokenFile, before));
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();
        bench.Grant.Then(LargeToken);
        space.Do(Fill);

        await bench.WhenExpired();
        var unpersisted = bench.Snapshot.Unpersisted;
        Assert.NotNull(unpersisted);
        Assert.StartsWith("access-1", (await bench.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        Assert.Equal(before, space.Do(() => File.ReadAllText(TokenFile)));
        Assert.DoesNotContain(space.Do(() => Directory.GetFiles(Disk)), f => f.EndsWith(".tmp", StringComparison.Ordinal));

        // The write is tried again with growing waits, without a renewal and without another log line.
        for (var again = 2; again <= 5; again++)
        {
            time.Advance(bench.Snapshot.Unpersisted!.RetryAt - time.GetUtcNow());
            await bench.Visit();
            Assert.Equal((again, unpersisted.Since), (bench.Snapshot.Unpersisted!.FailedWrites, bench.Snapshot.Unpersisted.Since));
        }
        Assert.Single(bench.Logs.At(LogLevel.Error), line => line.Contains("is in memory only"));
        Assert.Equal(1, bench.Grant.Requests);
        Assert.NotNull(await bench.TokenManager.CloseAsync(Cancellation));

        space.Do(() => File.Delete(Path.Combine(Disk, "filler")));
        Assert.Null(await bench.TokenManager.CloseAsync(Cancellation));
        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Contains("refresh-1", space.Do(() => File.ReadAllText(TokenFile)));
        Assert.Equal(1, bench.Logs.Count("the token is saved in"));
    }

    [Fact]
    public async Task Row_15_and_19_on_a_read_only_mount_tokens_are_read_and_adopted_and_renewals_stay_in_memory()
    {
        using var space = MountNamespace.Enter();
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        space.Mount("--bind", Disk, Disk);
        space.Mount("-o", "remount,bind,ro", Disk);
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();
        Assert.Equal("access-0", bench.Access);

        await bench.WhenExpired();
        Assert.Equal("access-1", bench.Access);
        Assert.NotNull(bench.Snapshot.Unpersisted);
        Assert.Equal(["token.json"], Directory.GetFiles(Disk).Select(Path.GetFileName));
        Assert.Equal(1, bench.Logs.Count("cannot be locked"));

        // Another process writes through the writable mount.
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time, number: "theirs")));
        await bench.Visit();
        Assert.Equal("access-theirs", bench.Access);
        Assert.Null(bench.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task Row_17_a_mounted_file_is_written_in_place_and_reported_once()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        await bench.WhenDue();
        await bench.WhenDue();

        Assert.Contains("refresh-2", File.ReadAllText(directory["real.json"]));
        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Equal(1, bench.Logs.Count("was written in place, because it is mounted as a single file; mount its directory instead"));
        Assert.Equal(["token.json", "token.json.lock"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Row_17_a_file_mounted_into_a_read_only_directory_is_written_in_place()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", Disk, Disk);
        space.Mount("-o", "remount,bind,ro", Disk);
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        await bench.WhenDue();

        Assert.Contains("refresh-1", File.ReadAllText(directory["real.json"]));
        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Equal(1, bench.Logs.Count("because it is mounted as a single file"));
    }

    [Fact]
    public async Task Row_17_on_a_full_disk_a_mounted_file_keeps_its_old_content_if_the_new_one_does_not_fit()
    {
        using var space = MountNamespace.Enter();
        space.Mount("-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", Disk);
        var (real, before) = (Path.Combine(Disk, "real.json"), TokenManagerBench.Json(TokenManagerBench.Some(time)));
        space.Do(() => File.WriteAllText(real, before));
        space.Do(() => File.WriteAllText(TokenFile, ""));
        space.Mount("--bind", real, TokenFile);
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();
        bench.Grant.Then(LargeToken);
        space.Do(Fill);

        await bench.WhenExpired();

        Assert.NotNull(bench.Snapshot.Unpersisted);
        Assert.Equal(before, space.Do(() => File.ReadAllText(real)));
    }

    [Fact]
    public async Task Row_17_a_damaged_mounted_file_is_copied_once()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", "not a token");
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        using var bench = await new TokenManagerBench(space.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        for (var look = 0; look < 5; look++)
        {
            time.Advance(bench.Options.ReadEvery);
            await bench.Visit();
        }
        Assert.Equal("not a token", File.ReadAllText(Assert.Single(Directory.GetFiles(Disk), f => f.Contains("corrupt"))));

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);
        Assert.Contains("refresh-0", File.ReadAllText(directory["real.json"]));
    }

    [Fact]
    public async Task A_logout_empties_a_mounted_file()
    {
        using var space = MountNamespace.Enter();
        directory.Write("real.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        directory.Write("disk/token.json", "");
        space.Mount("--bind", directory["real.json"], TokenFile);
        var store = space.Within(TokenManagerBench.Plain(TokenFile, time));
        using var bench = await new TokenManagerBench(store, time).Loaded();

        Assert.Null((await bench.TokenManager.ForgetAsync(Cancellation)).Failure);

        Assert.Equal("", File.ReadAllText(directory["real.json"]));
        Assert.IsType<ReadResult.LoggedOut>(await store.ReadAsync(Cancellation));
        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time, number: "again"), Cancellation);
        Assert.Equal("refresh-again", await bench.StoredRefresh());
    }

    [Fact]
    public async Task Row_15_a_save_succeeds_when_a_deleted_directory_exists_again()
    {
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        Directory.Delete(Disk, recursive: true);

        await bench.WhenExpired();
        Assert.Equal("access-1", bench.Access);
        Assert.NotNull(bench.Snapshot.Unpersisted);

        Directory.CreateDirectory(Disk);
        time.Advance(bench.Snapshot.Unpersisted!.RetryAt - time.GetUtcNow());
        await bench.Visit();
        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task Row_21_a_file_without_read_permission_is_unreadable_and_not_missing()
    {
        using var other = MountNamespace.As(OtherUser);
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        Open(directory.Path, Disk);
        using var bench = await new TokenManagerBench(other.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();
        Assert.Equal(1, bench.Logs.Count("cannot be read"));

        File.SetUnixFileMode(Disk, OwnerOnly);
        Assert.IsType<ReadResult.Unreadable>(await bench.Store.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Row_21_a_file_that_root_writes_keeps_its_owner()
    {
        MountNamespace.As(OtherUser).Dispose();
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        await Give(OtherUser, TokenFile);
        using var root = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await root.WhenDue();

        Assert.Equal((OtherUser, OtherUser), Posix.OwnerOf(TokenFile));
        Assert.Equal((OtherUser, OtherUser), Posix.OwnerOf($"{TokenFile}.lock"));
        Assert.Equal((OwnerOnly, OwnerOnly), (File.GetUnixFileMode(TokenFile), File.GetUnixFileMode($"{TokenFile}.lock")));
    }

    [Fact]
    public async Task Row_21_a_file_that_root_creates_belongs_to_the_owner_of_the_directory()
    {
        MountNamespace.As(OtherUser).Dispose();
        await Give(OtherUser, Disk);
        using var root = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await root.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);
        await root.TokenManager.ForgetAsync(Cancellation);

        Assert.Equal(["token.json.lock", "token.json.signed-out"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(Disk), file => Assert.Equal((OtherUser, OtherUser), Posix.OwnerOf(file)));
    }

    [Fact]
    public async Task Row_21_a_file_whose_owner_cannot_be_kept_is_written_in_place()
    {
        using var other = MountNamespace.As(OtherUser);
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        const UnixFileMode ByAll = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        File.SetUnixFileMode(TokenFile, OwnerOnly | ByAll);
        Open(directory.Path);
        await Give(OtherUser, Disk);
        using var bench = await new TokenManagerBench(other.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        await bench.WhenDue();

        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Contains("refresh-1", File.ReadAllText(TokenFile));
        Assert.Equal((0u, 0u), Posix.OwnerOf(TokenFile));
        Assert.Equal(1, bench.Logs.Count("because a new file cannot have its owner"));
        Assert.Equal(["token.json", "token.json.lock"], Directory.GetFiles(Disk).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Row_21_a_read_only_file_is_used_and_the_renewed_token_stays_in_memory()
    {
        using var other = MountNamespace.As(OtherUser);
        directory.Write("disk/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.OtherRead);
        Open(directory.Path, Disk);
        using var bench = await new TokenManagerBench(other.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        await bench.WhenExpired();

        Assert.Equal("access-1", bench.Access);
        Assert.Contains("this process may not", bench.Snapshot.Unpersisted?.Reason);
        Assert.Contains("refresh-0", File.ReadAllText(TokenFile));
    }

    /// <summary>A token that needs more blocks than the file has.</summary>
    private Renewal LargeToken(Token? current) => new Renewal.Renewed(
        current!.After(TokenManagerBench.Some(time, number: "1") with { AccessToken = new Secret("access-1" + new string('a', 5000)) }));

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

    private static async Task Give(uint user, string path) =>
        Assert.Equal(0, (await Peer.Run("chown", [$"{user}:{user}", path], default, Cancellation)).ExitCode);
}

using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token file and what lies beside it, on a disk that works. The others are in <see cref="DiskTests"/>.</summary>
public sealed class FileStoreTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_file_that_is_not_there_is_no_error_and_is_written_by_the_first_login()
    {
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        Assert.IsType<TokenState.Missing>(kept.State);

        await kept.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);

        Assert.Null(kept.Snapshot.Unpersisted);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(TokenFile));
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
        Assert.Contains("; log in", kept.Logs.At(LogLevel.Warning).Single());
    }

    [Theory]
    [InlineData("""{"refresh_token":"refresh-0"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0","expiry":"0001-01-01T00:00:00Z"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0","expiry":"2026-11-20T00:00:00Z"}""")]
    [InlineData("""{"refresh_token":"refresh-0","expiry":"2026-12-24T00:00:00Z"}""")]
    public async Task A_refresh_token_is_enough_and_is_used_at_once(string content)
    {
        directory.Write("token.json", content);
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        await kept.Visit();

        Assert.Equal(("access-1", "refresh-1"), (kept.Access, await kept.StoredRefresh()));
        Assert.Equal("refresh-0", kept.Grant.Asked.Single()?.RefreshToken?.Reveal());
    }

    [Fact]
    public async Task Each_missing_attribute_is_warned_about_with_its_consequence()
    {
        directory.Write("token.json", """{"access_token":"access-0"}""");
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        Assert.Collection(
            kept.Logs.At(LogLevel.Warning),
            line => Assert.Contains("no refresh_token: it cannot be renewed", line),
            line => Assert.Contains("no expiry: the token is used until the provider refuses it", line));
    }

    [Fact]
    public async Task Row_18_a_symbolic_link_stays_one_and_its_file_is_replaced()
    {
        Directory.CreateDirectory(directory["real"]);
        directory.Write("real/token.json", Kept.Json(Kept.Some(time)));
        File.CreateSymbolicLink(TokenFile, "real/token.json");
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        await kept.WhenDue();

        Assert.Equal("real/token.json", new FileInfo(TokenFile).LinkTarget);
        Assert.Contains("refresh-1", File.ReadAllText(directory["real/token.json"]));
        Assert.Equal(["real", "token.json"], directory.Names);
        Assert.True(File.Exists(directory["real/token.json.lock"]), "all who share the file must meet at one lock");
    }

    [Fact]
    public async Task Row_18_a_dangling_link_is_filled_by_the_first_login()
    {
        File.CreateSymbolicLink(TokenFile, "later.json");
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        Assert.IsType<TokenState.Missing>(kept.State);

        await kept.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);

        Assert.Equal("later.json", new FileInfo(TokenFile).LinkTarget);
        Assert.Contains("refresh-0", File.ReadAllText(directory["later.json"]));
    }

    [Fact]
    public async Task Row_18_links_in_a_circle_are_refused_with_a_reason()
    {
        File.CreateSymbolicLink(TokenFile, "other.json");
        File.CreateSymbolicLink(directory["other.json"], "token.json");
        var store = Kept.Plain(TokenFile, time);

        Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Failed>(await store.WriteAsync(Kept.Some(time), null, Cancellation));
        Assert.IsType<StoreLock.Unavailable>(await store.LockAsync(Cancellation));
        Assert.Equal(["other.json", "token.json"], directory.Names);
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/full")]
    [InlineData("/tmp")]
    public async Task What_is_no_ordinary_file_is_neither_read_nor_replaced(string special)
    {
        var store = Kept.Plain(special, time);

        Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Failed>(await store.WriteAsync(Kept.Some(time), null, Cancellation));
        Assert.True(Directory.Exists(special) || !File.GetAttributes(special).HasFlag(FileAttributes.Directory));
    }

    [Fact]
    public async Task Row_20_files_swapped_by_a_link_to_their_folder_are_noticed()
    {
        // How Kubernetes updates a mounted secret: token.json → ..data/token.json, ..data → another directory, renamed over.
        Directory.CreateDirectory(directory["..1"]);
        Directory.CreateDirectory(directory["..2"]);
        directory.Write("..1/token.json", Kept.Json(Kept.Some(time)));
        directory.Write("..2/token.json", Kept.Json(Kept.Some(time, number: "theirs")));
        File.CreateSymbolicLink(directory["..data"], "..1");
        File.CreateSymbolicLink(TokenFile, "..data/token.json");
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        File.CreateSymbolicLink(directory["..data.new"], "..2");
        await Peer.Run("mv", ["-T", directory["..data.new"], directory["..data"]], default, Cancellation);
        time.Advance(kept.Options.ReadEvery);
        Assert.True(kept.TokenManager.IsDue(Instant.Now(time)));
        await kept.Visit();

        Assert.Equal("access-theirs", kept.Access);
    }

    [Fact]
    public async Task Row_21_a_file_open_to_others_is_warned_about_and_closed_by_the_next_save()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        await kept.Visit();

        Assert.Contains($"(mode 0644) until it is saved again: chmod 600 {TokenFile}", kept.Logs.At(LogLevel.Warning).Single());
        await kept.WhenDue();
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(TokenFile));
    }

    [Fact]
    public async Task Row_24_a_file_changed_while_a_token_is_being_renewed_is_not_overwritten()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        kept.Grant.Then(_ =>
        {
            directory.Write("token.json", Kept.Json(Kept.Some(time, number: "theirs")));
            return new Renewal.Renewed(Kept.Some(time, number: "ours"));
        });

        await kept.WhenDue();

        Assert.Equal(("access-theirs", "refresh-theirs"), (kept.Access, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task Row_24_an_edited_file_with_the_refresh_token_just_spent_does_not_cost_the_new_one()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        kept.Grant.Then(_ =>
        {
            directory.Write("token.json", """{"note":"mine","refresh_token":"refresh-0"}""");
            return new Renewal.Renewed(Kept.Some(time, number: "ours"));
        });

        await kept.WhenDue();

        Assert.Equal(("access-ours", "refresh-ours"), (kept.Access, await kept.StoredRefresh()));
        Assert.Contains("\"note\":\"mine\"", File.ReadAllText(TokenFile));
    }

    [Fact]
    public async Task Row_24_a_file_set_back_to_the_token_just_spent_is_written_again()
    {
        var before = Kept.Json(Kept.Some(time));
        directory.Write("token.json", before);
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        await kept.WhenDue();

        directory.Write("token.json", before);
        await kept.Visit();

        Assert.Equal(("access-1", "refresh-1"), (kept.Access, await kept.StoredRefresh()));
        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task A_file_that_is_gone_is_written_again_by_the_next_renewal_and_at_the_end()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        File.Delete(TokenFile);
        await kept.WhenDue();
        Assert.Equal("refresh-1", await kept.StoredRefresh());

        File.Delete(TokenFile);
        Assert.Null(await kept.TokenManager.CloseAsync(Cancellation));
        Assert.Equal("refresh-1", await kept.StoredRefresh());
    }

    [Fact]
    public async Task Row_22_a_file_damaged_while_we_run_is_set_aside_at_the_second_look_and_costs_nothing()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();

        directory.Write("token.json", "half a fi");
        await kept.Visit();
        Assert.Contains("token.json", directory.Names);
        await kept.Visit();
        Assert.DoesNotContain("token.json", directory.Names);
        await kept.WhenDue();

        Assert.Equal("half a fi", File.ReadAllText(directory["token.json.corrupt-20261121T120000Z"]));
        Assert.Equal(("access-1", "refresh-1"), (kept.Access, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task Row_22_two_files_damaged_in_one_second_are_both_kept()
    {
        foreach (var content in new[] { "one", "two" })
        {
            directory.Write("token.json", content);
            Assert.IsType<ReadResult.Damaged>(await Kept.Plain(TokenFile, time).ReadAsync(Cancellation));
        }

        Assert.Equal(["one", "two"], directory.Names.Order(StringComparer.Ordinal).Select(n => File.ReadAllText(directory[n])));
    }

    [Fact]
    public async Task Row_22_a_write_in_place_that_did_not_end_is_taken_back_from_its_backup()
    {
        directory.Write("token.json", """{"access_token":"acc""");
        directory.Write(".token.json.backup", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        Assert.Equal("access-0", kept.Access);

        await kept.WhenDue();

        Assert.Contains("refresh-1", File.ReadAllText(TokenFile));
    }

    [Fact]
    public async Task Row_39_old_temporary_files_are_swept_up_and_young_ones_left()
    {
        var now = File.GetLastWriteTimeUtc(directory.Write(".token.json.young.tmp", ""));
        File.SetLastWriteTimeUtc(directory.Write(".token.json.old.tmp", ""), now.AddHours(-2));
        File.SetLastWriteTimeUtc(directory.Write(".other.json.old.tmp", ""), now.AddHours(-2));

        Assert.IsType<WriteResult.Written>(await Kept.Plain(TokenFile, time).WriteAsync(Kept.Some(time), null, Cancellation));

        Assert.Equal([".other.json.old.tmp", ".token.json.young.tmp", "token.json"], directory.Names);
    }

    /// <summary>The lock's note says that a request was sent; the temporary file holds what came, and the rename is missing.</summary>
    [Theory]
    [InlineData("""{"access_token":"access-1","refresh_token":"refresh-1"}""", 1, true)]
    [InlineData("{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-1\"\0\0", 1, false)]
    [InlineData("""{"access_token":"access-1","refresh_token":"refresh-1"}""", -1, false)]
    [InlineData("""{"nothing":"of use"}""", 1, false)]
    [InlineData("", 1, false)]
    public async Task Row_14_a_save_cut_off_before_its_rename_is_finished_when_it_is_whole(string cutOff, int later, bool finished)
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");
        File.SetLastWriteTimeUtc(directory.Write(".token.json.cut.tmp", cutOff), File.GetLastWriteTimeUtc(TokenFile).AddSeconds(later));
        var store = Kept.Plain(TokenFile, time);
        await store.ReadAsync(Cancellation);

        var taken = Assert.IsType<StoreLock.Taken>(await store.LockAsync(Cancellation));
        var held = Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));
        taken.Release();

        Assert.Equal((finished ? "refresh-1" : "refresh-0", finished), (held.Token.RefreshToken!.Reveal(), taken.Interrupted is null));
        Assert.Equal(finished, held.Warning?.Contains("the save was finished", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task Row_14_a_temporary_file_is_left_alone_when_no_request_was_cut_off_or_somebody_logged_out_since()
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        File.SetLastWriteTimeUtc(directory.Write(".token.json.cut.tmp", """{"refresh_token":"refresh-1"}"""), File.GetLastWriteTimeUtc(TokenFile).AddSeconds(5));

        directory.Write("token.json.lock", "4711\n");
        (await Kept.Plain(TokenFile, time).LockAsync(Cancellation)).Release();
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");
        directory.Write("token.json.signed-out", "");
        (await Kept.Plain(TokenFile, time).LockAsync(Cancellation)).Release();

        Assert.Contains("refresh-0", File.ReadAllText(TokenFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_39_a_lock_file_left_behind_locks_nobody_out()
    {
        directory.Write("token.json.lock", "4711\n");
        using var held = new Held(await Kept.Plain(TokenFile, time).LockAsync(Cancellation));

        Assert.IsType<StoreLock.Taken>(held.Lock);
        Assert.Equal($"{Environment.ProcessId}\n", ReadUnlocked(directory["token.json.lock"]));
    }

    [Fact]
    public async Task Row_03_a_lock_of_another_program_is_waited_for_within_bounds_and_then_named()
    {
        directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(TokenFile, time), time).Loaded();
        time.Advance(3 * Kept.Hour);
        await using (var other = Peer.Start("flock", directory["token.json.lock"], "sh", "-c", "echo locked; exec sleep 600"))
        {
            await other.Says("locked", Cancellation);
            await time.AdvanceUntil(kept.Visit(), TimeSpan.FromSeconds(1));
        }
        Assert.Equal((0, 1), (kept.Grant.Requests, kept.Snapshot.History.Failures[FailureKind.Locked]));
        Assert.Contains($"holds {directory["token.json.lock"]}", kept.Snapshot.History.LastError);

        // The kernel takes the lock off the dead, in its own time.
        while (kept.Access != "access-1")
        {
            await time.AdvanceUntil(kept.WhenDue(), TimeSpan.FromSeconds(1));
        }
        Assert.Equal(1, kept.Grant.Requests);
    }

    [Theory]
    [InlineData("nfs", true)]
    [InlineData("cifs", true)]
    [InlineData("ext4", false)]
    [InlineData("tmpfs", false)]
    public void Row_40_file_systems_whose_locks_may_not_reach_other_machines_are_known(string fileSystem, bool doubted) =>
        Assert.Equal(doubted, FileLock.Networked.Contains(fileSystem));

    [Fact]
    public void Row_40_the_file_system_of_this_disk_is_not_doubted() => Assert.Null(FileLock.Doubt(TokenFile));

    private static string ReadUnlocked(string path)
    {
        using var file = Posix.OpenUnlocked(path);
        var content = new byte[RandomAccess.GetLength(file)];
        RandomAccess.Read(file, content, 0);
        return System.Text.Encoding.ASCII.GetString(content);
    }

    private sealed class Held(StoreLock taken) : IDisposable
    {
        public StoreLock Lock => taken;

        public void Dispose() => taken.Release();
    }
}

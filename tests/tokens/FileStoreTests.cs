using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token file and the files beside it on a working disk; see also <see cref="DiskTests"/>.</summary>
public sealed class FileStoreTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_missing_file_is_no_error_and_the_first_login_creates_it()
    {
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        Assert.IsType<TokenState.Missing>(bench.State);

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.Null(bench.Snapshot.Unpersisted);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(TokenFile));
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
        Assert.Contains("; log in", bench.Logs.At(LogLevel.Warning).Single());
    }

    [Theory]
    [InlineData("""{"refresh_token":"refresh-0"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0","expiry":"0001-01-01T00:00:00Z"}""")]
    [InlineData("""{"access_token":"access-0","refresh_token":"refresh-0","expiry":"2026-11-20T00:00:00Z"}""")]
    [InlineData("""{"refresh_token":"refresh-0","expiry":"2026-12-24T00:00:00Z"}""")]
    public async Task A_file_with_only_a_refresh_token_is_renewed_at_once(string content)
    {
        directory.Write("token.json", content);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await bench.Visit();

        Assert.Equal(("access-1", "refresh-1"), (bench.Access, await bench.StoredRefresh()));
        Assert.Equal("refresh-0", bench.Grant.ReceivedTokens.Single()?.RefreshToken?.Reveal());
    }

    [Fact]
    public async Task Each_missing_attribute_is_one_warning_with_its_consequence()
    {
        directory.Write("token.json", """{"access_token":"access-0"}""");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        Assert.Collection(
            bench.Logs.At(LogLevel.Warning),
            line => Assert.Contains("no refresh_token: it cannot be renewed", line),
            line => Assert.Contains("no expiry: the token is used until the provider rejects it", line));
    }

    [Fact]
    public async Task Row_18_a_symbolic_link_stays_and_its_target_is_replaced()
    {
        Directory.CreateDirectory(directory["real"]);
        directory.Write("real/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        File.CreateSymbolicLink(TokenFile, "real/token.json");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await bench.WhenDue();

        Assert.Equal("real/token.json", new FileInfo(TokenFile).LinkTarget);
        Assert.Contains("refresh-1", File.ReadAllText(directory["real/token.json"]));
        Assert.Equal(["real", "token.json"], directory.Names);
        Assert.True(File.Exists(directory["real/token.json.lock"]), "all who share the file must meet at one lock");
    }

    [Fact]
    public async Task Row_18_the_first_login_creates_the_target_of_a_dangling_link()
    {
        File.CreateSymbolicLink(TokenFile, "later.json");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        Assert.IsType<TokenState.Missing>(bench.State);

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.Equal("later.json", new FileInfo(TokenFile).LinkTarget);
        Assert.Contains("refresh-0", File.ReadAllText(directory["later.json"]));
    }

    [Fact]
    public async Task Row_18_a_circle_of_links_is_reported()
    {
        File.CreateSymbolicLink(TokenFile, "other.json");
        File.CreateSymbolicLink(directory["other.json"], "token.json");
        var store = TokenManagerBench.Plain(TokenFile, time);

        Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Failed>(await store.WriteAsync(TokenManagerBench.Some(time), null, Cancellation));
        Assert.IsType<StoreLock.Unavailable>(await store.LockAsync(Cancellation));
        Assert.Equal(["other.json", "token.json"], directory.Names);
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/full")]
    [InlineData("/tmp")]
    public async Task A_path_that_is_not_a_regular_file_is_neither_read_nor_replaced(string special)
    {
        var store = TokenManagerBench.Plain(special, time);

        Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Failed>(await store.WriteAsync(TokenManagerBench.Some(time), null, Cancellation));
        Assert.True(Directory.Exists(special) || !File.GetAttributes(special).HasFlag(FileAttributes.Directory));
    }

    [Fact]
    public async Task Row_20_a_changed_link_to_the_directory_is_detected()
    {
        // How Kubernetes updates a mounted secret: token.json → ..data/token.json, ..data → another directory, renamed over.
        Directory.CreateDirectory(directory["..1"]);
        Directory.CreateDirectory(directory["..2"]);
        directory.Write("..1/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        directory.Write("..2/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time, number: "theirs")));
        File.CreateSymbolicLink(directory["..data"], "..1");
        File.CreateSymbolicLink(TokenFile, "..data/token.json");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        File.CreateSymbolicLink(directory["..data.new"], "..2");
        await Peer.Run("mv", ["-T", directory["..data.new"], directory["..data"]], default, Cancellation);
        time.Advance(bench.Options.ReadEvery);
        Assert.True(bench.TokenManager.IsDue(Instant.Now(time)));
        await bench.Visit();

        Assert.Equal("access-theirs", bench.Access);
    }

    [Fact]
    public async Task Row_21_a_file_that_others_can_read_is_a_warning_until_the_next_save()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        await bench.Visit();

        Assert.Contains($"(mode 0644) until it is saved again: chmod 600 {TokenFile}", bench.Logs.At(LogLevel.Warning).Single());
        await bench.WhenDue();
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(TokenFile));
    }

    [Fact]
    public async Task Row_24_a_file_changed_while_a_token_is_being_renewed_is_not_overwritten()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        bench.Grant.Then(_ =>
        {
            directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time, number: "theirs")));
            return new Renewal.Renewed(TokenManagerBench.Some(time, number: "ours"));
        });

        await bench.WhenDue();

        Assert.Equal(("access-theirs", "refresh-theirs"), (bench.Access, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task Row_24_an_edited_file_with_the_spent_refresh_token_does_not_replace_the_new_token()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        bench.Grant.Then(_ =>
        {
            directory.Write("token.json", """{"note":"mine","refresh_token":"refresh-0"}""");
            return new Renewal.Renewed(TokenManagerBench.Some(time, number: "ours"));
        });

        await bench.WhenDue();

        Assert.Equal(("access-ours", "refresh-ours"), (bench.Access, await bench.StoredRefresh()));
        Assert.Contains("\"note\":\"mine\"", File.ReadAllText(TokenFile));
    }

    [Fact]
    public async Task Row_24_a_file_that_is_restored_to_the_spent_token_is_written_again()
    {
        var before = TokenManagerBench.Json(TokenManagerBench.Some(time));
        directory.Write("token.json", before);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        await bench.WhenDue();

        directory.Write("token.json", before);
        await bench.Visit();

        Assert.Equal(("access-1", "refresh-1"), (bench.Access, await bench.StoredRefresh()));
        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task A_deleted_file_is_written_again_by_the_next_renewal_and_at_shutdown()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        File.Delete(TokenFile);
        await bench.WhenDue();
        Assert.Equal("refresh-1", await bench.StoredRefresh());

        File.Delete(TokenFile);
        Assert.Null(await bench.TokenManager.CloseAsync(Cancellation));
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task Row_22_a_file_that_is_damaged_at_run_time_is_set_aside_at_the_second_read_and_the_token_is_kept()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        directory.Write("token.json", "half a fi");
        await bench.Visit();
        Assert.Contains("token.json", directory.Names);
        await bench.Visit();
        Assert.DoesNotContain("token.json", directory.Names);
        await bench.WhenDue();

        Assert.Equal("half a fi", File.ReadAllText(directory["token.json.corrupt-20261121T120000Z"]));
        Assert.Equal(("access-1", "refresh-1"), (bench.Access, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task Row_22_two_files_damaged_in_one_second_are_both_kept()
    {
        foreach (var content in new[] { "one", "two" })
        {
            directory.Write("token.json", content);
            Assert.IsType<ReadResult.Damaged>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));
        }

        Assert.Equal(["one", "two"], directory.Names.Order(StringComparer.Ordinal).Select(n => File.ReadAllText(directory[n])));
    }

    [Fact]
    public async Task Row_22_an_unfinished_write_in_place_is_restored_from_its_backup()
    {
        directory.Write("token.json", """{"access_token":"acc""");
        directory.Write(".token.json.backup", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        Assert.Equal("access-0", bench.Access);

        await bench.WhenDue();

        Assert.Contains("refresh-1", File.ReadAllText(TokenFile));
    }

    [Fact]
    public async Task Row_39_old_temporary_files_are_deleted_and_new_ones_are_kept()
    {
        var now = File.GetLastWriteTimeUtc(directory.Write(".token.json.young.tmp", ""));
        File.SetLastWriteTimeUtc(directory.Write(".token.json.old.tmp", ""), now.AddHours(-2));
        File.SetLastWriteTimeUtc(directory.Write(".other.json.old.tmp", ""), now.AddHours(-2));

        Assert.IsType<WriteResult.Written>(
            await TokenManagerBench.Plain(TokenFile, time).WriteAsync(TokenManagerBench.Some(time), null, Cancellation));

        Assert.Equal([".other.json.old.tmp", ".token.json.young.tmp", "token.json"], directory.Names);
    }

    /// <summary>The lock file records a sent request, and the temporary file was not renamed.</summary>
    [Theory]
    [InlineData("""{"access_token":"access-1","refresh_token":"refresh-1"}""", 1, true)]
    [InlineData("{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-1\"\0\0", 1, false)]
    [InlineData("""{"access_token":"access-1","refresh_token":"refresh-1"}""", -1, false)]
    [InlineData("""{"nothing":"of use"}""", 1, false)]
    [InlineData("", 1, false)]
    public async Task Row_14_a_complete_save_that_was_interrupted_before_its_rename_is_finished(string cutOff, int later, bool finished)
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");
        File.SetLastWriteTimeUtc(directory.Write(".token.json.cut.tmp", cutOff), File.GetLastWriteTimeUtc(TokenFile).AddSeconds(later));
        var store = TokenManagerBench.Plain(TokenFile, time);
        await store.ReadAsync(Cancellation);

        var taken = Assert.IsType<StoreLock.Taken>(await store.LockAsync(Cancellation));
        var held = Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));
        taken.Release();

        Assert.Equal((finished ? "refresh-1" : "refresh-0", finished), (held.Token.RefreshToken!.Reveal(), taken.Interrupted is null));
        Assert.Equal(finished, held.Warning?.Contains("the save was finished", StringComparison.Ordinal) ?? false);
        Assert.Equal(!finished, File.Exists(directory[".token.json.cut.tmp"]));
    }

    [Fact]
    public async Task Row_14_a_temporary_file_is_ignored_without_an_interrupted_request_or_after_a_logout()
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var temporary = directory.Write(".token.json.cut.tmp", """{"refresh_token":"refresh-1"}""");
        File.SetLastWriteTimeUtc(temporary, File.GetLastWriteTimeUtc(TokenFile).AddSeconds(5));

        directory.Write("token.json.lock", "4711\n");
        (await TokenManagerBench.Plain(TokenFile, time).LockAsync(Cancellation)).Release();
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");
        directory.Write("token.json.signed-out", "");
        (await TokenManagerBench.Plain(TokenFile, time).LockAsync(Cancellation)).Release();

        Assert.Contains("refresh-0", File.ReadAllText(TokenFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_39_a_leftover_lock_file_does_not_block()
    {
        directory.Write("token.json.lock", "4711\n");
        using var held = new Held(await TokenManagerBench.Plain(TokenFile, time).LockAsync(Cancellation));

        Assert.IsType<StoreLock.Taken>(held.Lock);
        Assert.Equal($"{Environment.ProcessId}\n", ReadUnlocked(directory["token.json.lock"]));
    }

    [Fact]
    public async Task Row_03_the_wait_for_the_lock_of_another_program_is_limited_and_its_holder_is_reported()
    {
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        time.Advance(3 * TokenManagerBench.Hour);
        await using (var other = Peer.Start("flock", directory["token.json.lock"], "sh", "-c", "echo locked; exec sleep 600"))
        {
            await other.Says("locked", Cancellation);
            await time.AdvanceUntil(bench.Visit(), TimeSpan.FromSeconds(1));
        }
        Assert.Equal((0, 1), (bench.Grant.Requests, bench.Snapshot.History.Failures[FailureKind.Locked]));
        Assert.Contains($"holds {directory["token.json.lock"]}", bench.Snapshot.History.LastError);

        // The kernel releases the lock of a killed process after some time.
        while (bench.Access != "access-1")
        {
            await time.AdvanceUntil(bench.WhenDue(), TimeSpan.FromSeconds(1));
        }
        Assert.Equal(1, bench.Grant.Requests);
    }

    [Theory]
    [InlineData("nfs", true)]
    [InlineData("cifs", true)]
    [InlineData("ext4", false)]
    [InlineData("tmpfs", false)]
    public void Row_40_a_network_file_system_is_a_warning(string fileSystem, bool doubted) =>
        Assert.Equal(doubted, FileLock.NetworkFileSystems.Contains(fileSystem));

    [Fact]
    public void Row_40_a_local_file_system_is_no_warning() => Assert.Null(FileLock.Warning(TokenFile));

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

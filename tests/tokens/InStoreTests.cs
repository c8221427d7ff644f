using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token that is moved to a shared store and back. Each step may be the last one before a crash.</summary>
public sealed class InStoreTests : IDisposable
{
    private const string Reason = "its token is in the shared store postgres://db/tokens since 2026-11-20 10:00:00Z; use it there, or give it back "
        + "with: oauth-exporter-cluster store export home";

    private static readonly StoreMarker Marker = new("postgres://db/tokens", "home", new DateTimeOffset(2026, 11, 20, 11, 0, 0, TimeSpan.FromHours(1)));

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    private string MarkerFile => directory["token.json.in-store"];

    private FileStore Store => TokenManagerBench.Plain(TokenFile, time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_marked_token_is_neither_read_nor_changed()
    {
        await WriteAndMark();
        var (store, before) = (Store, directory.Read("token.json"));

        Assert.Equal(Reason, Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation)).Reason);
        Assert.Equal(Reason, (await store.PrepareAsync(Cancellation)).Failure);
        Assert.Equal(Reason, Assert.IsType<WriteResult.Failed>(await store.WriteAsync(Token("1"), null, Cancellation)).Reason);
        Assert.Equal(Reason, Assert.IsType<WriteResult.Failed>(await store.LogOutAsync(Cancellation)).Reason);
        Assert.Equal(Reason, Assert.IsType<StoreLock.Busy>(await store.LockAsync(Cancellation)).Holder);
        Assert.Equal(Reason, await store.RecordAsync(new TokenRecord(RecordedState.Failing, "no", default, null), null, Cancellation));

        Assert.Equal(before, directory.Read("token.json"));
        Assert.Equal(["token.json", "token.json.in-store", "token.json.lock"], directory.Names);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(MarkerFile));
    }

    [Fact]
    public async Task A_running_program_sends_nothing_after_the_mark_although_it_has_the_token_in_memory()
    {
        await Write();
        using var bench = await new TokenManagerBench(Store, time).Loaded();
        Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation));

        await bench.WhenDue();
        time.Advance(TimeSpan.FromHours(9));
        await bench.Visit();
        Assert.Null(await bench.TokenManager.GetTokenAsync(Cancellation));
        await bench.TokenManager.RenewAsync(new Secret("access-0"), Cancellation);
        var pasted = await bench.TokenManager.TryAsync(new Secret("refresh-9"), Cancellation);
        var forgotten = await bench.TokenManager.ForgetAsync(Cancellation);

        Assert.Equal(0, bench.Grant.Requests);
        Assert.Equal((Reason, Reason), (Assert.IsType<Renewal.Transient>(pasted).Reason, forgotten.Failure));
        Assert.Contains(Reason, bench.Snapshot.History.LastError, StringComparison.Ordinal);
        Assert.Equal(1, bench.Logs.Count($"{TokenFile} cannot be read: {Reason}"));
        Assert.Equal(["token.json", "token.json.in-store", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_program_that_starts_after_the_mark_is_in_an_unknown_state_and_sends_nothing()
    {
        await WriteAndMark();
        using var bench = await new TokenManagerBench(Store, time).Loaded();

        time.Advance(TimeSpan.FromMinutes(2));
        await bench.Visit();

        Assert.True(bench.Snapshot.IsUnknown);
        Assert.Equal((Reason, 0), (bench.Snapshot.Unreadable, bench.Grant.Requests));
    }

    [Fact]
    public async Task A_token_is_moved_and_given_back()
    {
        await Write();
        var store = Store;

        Assert.Null(Assert.IsType<WriteResult.Written>(await store.MarkAsync(Marker, Cancellation)).Warning);
        var held = Assert.IsType<ReadResult.Held>(await store.ReadMarkedAsync(Cancellation));
        Assert.IsType<WriteResult.Written>(await store.RemoveMarkedAsync(Cancellation));
        Assert.Equal(["token.json.in-store", "token.json.lock"], directory.Names);
        Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));

        Assert.Equal("refresh-0", held.Token.RefreshToken!.Reveal());
        Assert.IsType<WriteResult.Written>(await Store.GiveBackAsync(Token("7"), Cancellation));
        Assert.Equal("refresh-7", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.RefreshToken!.Reveal());
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    /// <summary>A crash is a new store that starts again with the first step, at each number of steps that were complete.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_move_that_was_interrupted_is_repeated_from_its_start(int completed)
    {
        await Write();
        await Move(Store, completed);

        var (read, _) = await Move(Store, 3);

        Assert.Equal(completed == 3, read is ReadResult.Empty);
        Assert.Equal(["token.json.in-store", "token.json.lock"], directory.Names);
        Assert.Equal(Reason, Assert.IsType<ReadResult.Unreadable>(await Store.ReadAsync(Cancellation)).Reason);
    }

    [Fact]
    public async Task A_crash_before_the_marker_has_its_name_leaves_the_token_in_use()
    {
        await Write();
        directory.Write(".token.json.in-store-unfinished", "{");

        Assert.IsType<ReadResult.Held>(await Store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation));

        Assert.Equal(["token.json", "token.json.in-store", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_crash_between_the_token_and_the_marker_leaves_a_marked_file_that_is_given_back_again()
    {
        await WriteAndMark();
        directory.Write("token.json", TokenManagerBench.Json(Token("7")));

        Assert.IsType<ReadResult.Unreadable>(await Store.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.Written>(await Store.GiveBackAsync(Token("7"), Cancellation));
        Assert.IsType<WriteResult.Written>(await Store.GiveBackAsync(Token("7"), Cancellation));

        Assert.Equal("refresh-7", Assert.IsType<ReadResult.Held>(await Store.ReadAsync(Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task A_repeated_return_overwrites_neither_a_newer_token_nor_a_logout()
    {
        await WriteAndMark();
        await Store.GiveBackAsync(Token("7"), Cancellation);
        directory.Write("token.json", TokenManagerBench.Json(Token("8")));

        var theirs = Assert.IsType<WriteResult.Conflict>(await Store.GiveBackAsync(Token("7"), Cancellation)).Theirs;
        Assert.Equal("refresh-8", theirs.Token.RefreshToken!.Reveal());
        Assert.IsType<WriteResult.Written>(await Store.LogOutAsync(Cancellation));
        Assert.IsType<WriteResult.LoggedOut>(await Store.GiveBackAsync(Token("7"), Cancellation));
    }

    [Fact]
    public async Task A_token_of_another_store_or_account_is_not_marked_again()
    {
        await WriteAndMark();
        var content = directory.Read("token.json.in-store");

        foreach (var other in new[] { Marker with { Account = "work" }, Marker with { Store = "postgres://other/tokens" } })
        {
            Assert.Equal(Reason, Assert.IsType<WriteResult.Failed>(await Store.MarkAsync(other, Cancellation)).Reason);
        }
        Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker with { Since = time.GetUtcNow() }, Cancellation));
        Assert.Equal(content, directory.Read("token.json.in-store"));
        Assert.Equal("""{"store":"postgres://db/tokens","account":"home","since":"2026-11-20T11:00:00+01:00"}""" + "\n", content);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"store":"s","account":"a","since":"yesterday"}""")]
    [InlineData("not JSON")]
    public async Task A_damaged_marker_counts_and_its_token_can_be_given_back(string content)
    {
        await Write();
        directory.Write("token.json.in-store", content);
        var reason = $"its token is in a shared store, and its marker {MarkerFile} is damaged; find the account there, and give it back with: "
            + "oauth-exporter-cluster store export NAME";

        Assert.Equal(reason, Assert.IsType<ReadResult.Unreadable>(await Store.ReadAsync(Cancellation)).Reason);
        Assert.Equal(reason, Assert.IsType<WriteResult.Failed>(await Store.MarkAsync(Marker, Cancellation)).Reason);
        Assert.IsType<WriteResult.Written>(await Store.GiveBackAsync(Token("7"), Cancellation));

        Assert.IsType<ReadResult.Held>(await Store.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_link_in_place_of_the_marker_counts_and_is_not_followed()
    {
        await Write();
        File.CreateSymbolicLink(MarkerFile, directory["elsewhere"]);

        Assert.Contains(MarkerFile, Assert.IsType<ReadResult.Unreadable>(await Store.ReadAsync(Cancellation)).Reason, StringComparison.Ordinal);
        Assert.IsType<WriteResult.Failed>(await Store.MarkAsync(Marker, Cancellation));
        Assert.Equal(["token.json", "token.json.in-store", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_linked_token_file_is_marked_beside_its_target()
    {
        Directory.CreateDirectory(directory["real"]);
        directory.Write("real/token.json", TokenManagerBench.Json(Token("0")));
        File.CreateSymbolicLink(TokenFile, "real/token.json");

        Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation));

        Assert.True(File.Exists(directory["real/token.json.in-store"]));
        Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(directory["real/token.json"], time).ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_mark_waits_for_a_renewal_and_reports_one_that_was_interrupted()
    {
        await Write();
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");

        var written = Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation));

        Assert.Equal("the token request of 2026-11-21 12:00:00Z was interrupted, so its refresh token may be spent", written.Warning);
    }

    [Fact]
    public async Task A_mark_waits_for_the_lock()
    {
        await Write();
        var held = await Store.LockAsync(Cancellation);

        var marking = Store.MarkAsync(Marker, Cancellation).AsTask();
        Assert.False(File.Exists(MarkerFile));
        held.Release();
        await time.AdvanceWhileIdle([marking], TimeSpan.FromMilliseconds(100));

        Assert.IsType<WriteResult.Written>(await marking);
    }

    [Fact]
    public async Task A_mark_finishes_a_save_that_was_interrupted()
    {
        await Write();
        directory.Write("token.json.lock", "4711 2026-11-21T12:00:00Z\n");
        var unfinished = directory.Write(".token.json.cut.tmp", TokenManagerBench.Json(Token("1")));
        File.SetLastWriteTimeUtc(unfinished, File.GetLastWriteTimeUtc(TokenFile).AddSeconds(5));

        Assert.Null(Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation)).Warning);

        Assert.Equal("refresh-1", Assert.IsType<ReadResult.Held>(await Store.ReadMarkedAsync(Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task The_copies_of_a_marked_token_are_removed_and_damaged_ones_are_named()
    {
        await WriteAndMark();
        directory.Write(".token.json.backup", "{}");
        directory.Write(".token.json.cut.tmp", "{}");
        directory.Write("token.json.corrupt-1", "{}");

        var removed = Assert.IsType<WriteResult.Written>(await Store.RemoveMarkedAsync(Cancellation));

        Assert.Contains("delete token.json.corrupt-1", removed.Warning, StringComparison.Ordinal);
        Assert.Equal(["token.json.corrupt-1", "token.json.in-store", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_token_without_a_marker_is_not_removed()
    {
        await Write();

        var failed = Assert.IsType<WriteResult.Failed>(await Store.RemoveMarkedAsync(Cancellation));

        Assert.Equal($"{TokenFile} is not marked as moved to a shared store", failed.Reason);
        Assert.IsType<ReadResult.Held>(await Store.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_file_that_other_programs_use_keeps_its_other_content()
    {
        directory.Write(".env", "OTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=access\nWEBEX_SERVICE_APP_REFRESH_TOKEN=refresh\n");
        var store = new FileStore(directory[".env"], [new DotEnvTokenFormat()], time);

        await store.MarkAsync(Marker, Cancellation);
        Assert.IsType<ReadResult.Held>(await store.ReadMarkedAsync(Cancellation));
        Assert.IsType<WriteResult.Written>(await store.RemoveMarkedAsync(Cancellation));

        Assert.StartsWith("OTHER=1\n", directory.Read(".env"), StringComparison.Ordinal);
        Assert.DoesNotContain("refresh", directory.Read(".env"), StringComparison.Ordinal);
        Assert.IsType<WriteResult.Written>(await store.GiveBackAsync(Token("7"), Cancellation));
        Assert.Contains("refresh-7", directory.Read(".env"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_changes_nothing_does_not_mark()
    {
        await Write();
        CurrentStoreAccess.Value = StoreAccess.ReadOnlyCommand;

        Assert.IsType<WriteResult.Failed>(await Store.MarkAsync(Marker, Cancellation));

        Assert.Equal(["token.json"], directory.Names);
    }

    private Token Token(string number) => TokenManagerBench.Some(time, number: number);

    private async Task Write() => Assert.IsType<WriteResult.Written>(await Store.WriteAsync(Token("0"), null, Cancellation));

    private async Task WriteAndMark()
    {
        await Write();
        Assert.IsType<WriteResult.Written>(await Store.MarkAsync(Marker, Cancellation));
    }

    private static async Task<(ReadResult? Read, WriteResult? Removed)> Move(FileStore store, int steps)
    {
        Assert.IsType<WriteResult.Written>(await store.MarkAsync(Marker, Cancellation));
        var read = steps > 1 ? await store.ReadMarkedAsync(Cancellation) : null;
        var removed = steps > 2 ? await store.RemoveMarkedAsync(Cancellation) : null;
        Assert.True(removed is null or WriteResult.Written);
        return (read, removed);
    }
}

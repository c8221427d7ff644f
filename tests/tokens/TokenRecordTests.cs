using System.Text.Json;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The reason of a failed renewal, kept beside the token for <c>status</c>.</summary>
public sealed class TokenRecordTests : IDisposable
{
    private const string Reason = "the refresh token is no longer accepted (HTTP 400, invalid_grant)";

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_lost_login_leaves_its_reason_beside_the_token_and_no_secret()
    {
        using var bench = await LoadedAsync();

        await FailAsync(bench, new Renewal.InvalidGrant(Reason));

        var record = await bench.TokenManager.ReadRecordAsync(Cancellation);
        Assert.Equal(new TokenRecord(RecordedState.Lost, Reason, time.GetUtcNow(), null), record);
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(directory["token.json.status"]));
        Assert.Equal(["token.json", "token.json.lock", "token.json.status"], directory.Names);
        var content = directory.Read("token.json.status");
        Assert.DoesNotContain("access-0", content, StringComparison.Ordinal);
        Assert.DoesNotContain("refresh-0", content, StringComparison.Ordinal);
        var json = JsonDocument.Parse(content).RootElement;
        Assert.Equal(("lost", Reason, 16), (Text(json, "state"), Text(json, "error"), Text(json, "token").Length));
    }

    [Fact]
    public async Task Another_process_sees_why_the_client_is_refused_and_when_it_is_tried_again()
    {
        using var bench = await LoadedAsync();
        await FailAsync(bench, new Renewal.InvalidClient("the client secret is not accepted"));

        using var other = await LoadedAsync();
        var record = await other.TokenManager.ReadRecordAsync(Cancellation);
        var applied = record!.ApplyTo(other.Snapshot, time.GetUtcNow());

        var refused = Assert.IsType<TokenState.InvalidClient>(applied.State);
        Assert.Equal(("the client secret is not accepted", time.GetUtcNow().AddHours(1)), (refused.Reason, refused.RetryAt));
        Assert.Null(record.ApplyTo(other.Snapshot, time.GetUtcNow().AddHours(2)).State.NextRenewal);
        Assert.IsType<TokenState.Active>(other.State);
    }

    [Fact]
    public async Task A_failed_renewal_is_recorded_and_the_next_success_removes_the_record()
    {
        using var bench = await LoadedAsync();

        await FailAsync(bench, new Renewal.Transient(FailureKind.ServerError, "the token endpoint is not working"));
        Assert.Equal(RecordedState.Failing, (await bench.TokenManager.ReadRecordAsync(Cancellation))!.State);

        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Null(await bench.TokenManager.ReadRecordAsync(Cancellation));
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task The_same_failure_again_is_not_written_again_and_another_one_is()
    {
        using var bench = await LoadedAsync();
        var failure = new Renewal.Transient(FailureKind.ServerError, "the token endpoint is not working");
        await FailAsync(bench, failure);
        File.Delete(directory["token.json.status"]);

        await FailAsync(bench, failure);
        Assert.False(File.Exists(directory["token.json.status"]));

        await FailAsync(bench, new Renewal.Transient(FailureKind.Network, "no connection"));
        Assert.Equal("no connection", (await bench.TokenManager.ReadRecordAsync(Cancellation))!.Error);
    }

    [Fact]
    public async Task A_new_login_and_a_logout_remove_the_record()
    {
        using var bench = await LoadedAsync();
        await FailAsync(bench, new Renewal.InvalidGrant(Reason));
        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time, number: "9"), Cancellation);
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);

        await FailAsync(bench, new Renewal.InvalidGrant(Reason));
        Assert.Contains("token.json.status", directory.Names);
        await bench.TokenManager.ForgetAsync(Cancellation);
        Assert.Equal(["token.json.lock", "token.json.signed-out"], directory.Names);
    }

    [Theory]
    [InlineData("refresh-0")]
    [InlineData("refresh-9")]
    public async Task The_record_of_another_token_is_ignored(string refreshToken)
    {
        using var bench = await LoadedAsync();
        await FailAsync(bench, new Renewal.InvalidGrant(Reason));

        directory.Write("token.json", $$"""{"access_token":"access-9","refresh_token":"{{refreshToken}}"}""");
        using var other = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        Assert.Null(await other.TokenManager.ReadRecordAsync(Cancellation));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"state":"new","error":"x"}""")]
    [InlineData("""{"state":"lost"}""")]
    public async Task A_damaged_record_is_ignored(string content)
    {
        using var bench = await LoadedAsync();
        directory.Write("token.json.status", content);

        Assert.Null(await bench.TokenManager.ReadRecordAsync(Cancellation));
    }

    [Fact]
    public async Task A_planted_link_is_neither_written_nor_read()
    {
        using var bench = await LoadedAsync();
        directory.Write("victim", "unchanged");
        File.CreateSymbolicLink(directory["token.json.status"], directory["victim"]);

        await FailAsync(bench, new Renewal.InvalidGrant(Reason));

        Assert.Equal("unchanged", directory.Read("victim"));
        Assert.Null(new FileInfo(directory["token.json.status"]).LinkTarget);
        File.Move(directory["token.json.status"], directory["victim"], overwrite: true);
        File.CreateSymbolicLink(directory["token.json.status"], directory["victim"]);
        Assert.Null(await bench.TokenManager.ReadRecordAsync(Cancellation));
    }

    [Fact]
    public async Task A_pipe_in_its_place_blocks_nothing()
    {
        using var bench = await LoadedAsync();
        Assert.Equal(0, (await Peer.Run("mkfifo", [directory["token.json.status"]], default, Cancellation)).ExitCode);

        Assert.Null(await bench.TokenManager.ReadRecordAsync(Cancellation));
        await FailAsync(bench, new Renewal.InvalidGrant(Reason));

        Assert.Equal(Reason, (await bench.TokenManager.ReadRecordAsync(Cancellation))!.Error);
    }

    [Fact]
    public async Task A_record_that_cannot_be_written_costs_nothing_but_a_line_at_debug_level()
    {
        using var bench = await LoadedAsync();
        Directory.CreateDirectory(directory["token.json.status"]);

        await FailAsync(bench, new Renewal.Transient(FailureKind.Network, "no connection"));

        Assert.Equal(1, Assert.IsType<TokenState.Active>(bench.State).FailedRenewals);
        Assert.Contains("is not recorded beside the token", Assert.Single(bench.Logs.At(LogLevel.Debug)), StringComparison.Ordinal);
        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(("access-1", null), (bench.Access, bench.Snapshot.Unpersisted));
    }

    [Fact]
    public async Task In_a_directory_without_write_permission_no_record_is_written_and_the_token_works()
    {
        using var other = MountNamespace.As(65534);
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        File.SetUnixFileMode(directory.Path, File.GetUnixFileMode(directory.Path) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        File.SetUnixFileMode(TokenFile, AtomicFile.OwnerOnly | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);
        using var bench = await new TokenManagerBench(other.Within(TokenManagerBench.Plain(TokenFile, time)), time).Loaded();

        await FailAsync(bench, new Renewal.Transient(FailureKind.Network, "no connection"));
        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal(["token.json"], directory.Names);
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task A_failed_first_login_without_a_user_is_recorded_until_there_is_a_token()
    {
        using var bench = new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time);
        bench.Grant.NeedsNoToken = true;
        bench.Grant.Then(new Renewal.InvalidClient("the client secret is not accepted"));
        await bench.Loaded();

        await bench.Visit();
        Assert.Equal(RecordedState.Refused, (await bench.TokenManager.ReadRecordAsync(Cancellation))!.State);

        time.Advance(TimeSpan.FromHours(1));
        await bench.Visit();
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_command_that_changes_nothing_writes_no_record()
    {
        var store = TokenManagerBench.Plain(TokenFile, time);
        CurrentStoreAccess.Value = StoreAccess.ReadOnlyCommand;

        Assert.NotNull(await store.RecordAsync(new TokenRecord(RecordedState.Lost, Reason, time.GetUtcNow(), null), null, Cancellation));

        Assert.Empty(directory.Names);
    }

    private async Task<TokenManagerBench> LoadedAsync()
    {
        if (!File.Exists(TokenFile))
        {
            directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        }
        return await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
    }

    private static Task<TokenSnapshot> FailAsync(TokenManagerBench bench, Renewal failure)
    {
        bench.Grant.Then(failure);
        return bench.TokenManager.RenewAsync(null, Cancellation);
    }

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString()!;
}

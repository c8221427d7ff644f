using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>The state of an account for people and programs.</summary>
public sealed class AccountStatusTests : IDisposable
{
    private const string Rejected = "the refresh token is no longer accepted";

    private readonly TokenManagerBench bench = new();

    private DateTimeOffset Now => bench.Time.GetUtcNow();

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task A_working_account_is_ok_and_has_all_its_times()
    {
        await bench.Loaded();
        await RenewAsync();

        var status = Status();

        Assert.Equal(("active", "ok", "OK", false, false), Words(status));
        Assert.Equal((Now.AddHours(3).UtcDateTime, Now.UtcDateTime), (status.AccessTokenEnds, status.LastRenewal));
        Assert.True(status.NextRenewal > Now.UtcDateTime);
        Assert.Equal(("memory", null, null, null), (status.Store, status.LastError, status.LostSince, status.Reading));
    }

    [Fact]
    public async Task A_lost_login_has_its_reason_and_its_time()
    {
        await bench.Loaded();
        await RenewAsync(new Renewal.InvalidGrant(Rejected));

        var status = Status();

        Assert.Equal(("lost", "problem", "Login needed", true, true), Words(status));
        Assert.Equal((Rejected, Now.UtcDateTime, null), (status.LastError, status.LostSince, status.NextRenewal));
    }

    [Fact]
    public async Task A_rejected_client_needs_a_user_but_no_login()
    {
        await bench.Loaded();
        await RenewAsync(new Renewal.InvalidClient("the client secret is not accepted"));

        var status = Status();

        Assert.Equal(("refused", "problem", "Credentials rejected", false, true), Words(status));
        Assert.Equal(("the client secret is not accepted", Now.AddHours(1).UtcDateTime), (status.LastError, status.NextRenewal));
    }

    [Fact]
    public async Task A_failed_renewal_is_a_warning()
    {
        await bench.Loaded();
        await RenewAsync(new Renewal.Transient(FailureKind.Network, "no connection"));

        Assert.Equal(("active", "warning", "Renewal failed", false, false), Words(Status()));
        Assert.Equal("no connection", Status().LastError);
    }

    [Fact]
    public async Task A_login_in_progress_is_pending()
    {
        await bench.Loaded();
        bench.TokenManager.ShowLogin(new Login(new Uri("https://provider.example"), "WDJB", Now.AddMinutes(5)));

        Assert.Equal((true, "Waiting for login"), (Status().LoginPending, Status().Summary));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("refresh-0", false)]
    public async Task An_expired_token_that_cannot_be_renewed_needs_a_login(string? refresh, bool isLost)
    {
        using var expired = new TokenManagerBench(new MemoryStore(new Token
        {
            AccessToken = new Secret("access-0"),
            RefreshToken = Secret.From(refresh),
            ExpiresAt = Now.AddHours(-1),
        }));
        await expired.Loaded();

        var status = AccountStatus.OfStore(Account(expired.TokenManager), null, Now);

        Assert.Equal(
            isLost ? ("lost", "problem", "Login needed", true, true) : ("active", "ok", "OK", false, false), Words(status));
        Assert.Equal(isLost ? "the access token expired at 2026-11-21 11:00:00Z and cannot be renewed" : null, status.LastError);
    }

    [Fact]
    public async Task An_expired_token_of_a_grant_that_needs_none_needs_no_login()
    {
        using var expired = new TokenManagerBench(new MemoryStore(new Token { AccessToken = new Secret("access-0"), ExpiresAt = Now.AddHours(-1) }));
        expired.Grant.NeedsNoToken = true;
        await expired.Loaded();

        Assert.False(AccountStatus.OfStore(Account(expired.TokenManager), null, Now).LoginRequired);
    }

    [Theory]
    [InlineData(RecordedState.Lost, "lost", "Login needed", true)]
    [InlineData(RecordedState.Refused, "refused", "Credentials rejected", false)]
    [InlineData(RecordedState.Failing, "active", "Renewal failed", false)]
    public async Task A_record_beside_the_token_has_the_last_word(RecordedState recorded, string state, string summary, bool loginRequired)
    {
        await bench.Loaded();
        var record = new TokenRecord(recorded, "why", Now.AddHours(-2), Now.AddMinutes(10));

        var status = AccountStatus.OfStore(Account(bench.TokenManager), record, Now);

        Assert.Equal((state, summary, loginRequired, "why"), (status.State, status.Summary, status.LoginRequired, status.LastError));
        Assert.Equal(Now.AddMinutes(10).UtcDateTime, status.NextRenewal);
        Assert.Equal(recorded is RecordedState.Lost ? Now.AddHours(-2).UtcDateTime : null, status.LostSince);
    }

    [Fact]
    public async Task A_reading_that_failed_has_its_reason()
    {
        await bench.Loaded();
        var failed = new FixedReadings(new ReadingStatus { Failure = new ApiFailure.Unavailable("the API is not working") }, Presentation.Empty);

        var status = AccountStatus.Of(Account(bench.TokenManager, failed), Now);

        Assert.Equal(("warning", "Reading failed"), (status.Condition, status.Summary));
        Assert.Equal(new ReadingState(false, null, null, "the API is not working", null), status.Reading);
    }

    [Theory]
    [InlineData(double.NaN, 0, "")]
    [InlineData(double.PositiveInfinity, 0, "")]
    [InlineData(21.3449, 1, "21.3")]
    [InlineData(42_900, 0, "42900")]
    [InlineData(-0.04, 1, "0")]
    public void A_number_has_the_precision_of_its_sensor(double value, int decimals, string json) =>
        Assert.Equal(json, $"{PresentedReading.Json(new ReadingValue.Number(value, "°C", decimals))?.GetRawText()}");

    [Fact]
    public async Task The_JSON_can_be_read_back()
    {
        await bench.Loaded();
        var before = StatusDocument.Of([Account(bench.TokenManager, FixedReadings.WeatherStation(Now))], "1.2.3", Now);

        var json = JsonSerializer.Serialize(before, AccountStatusJson.Readable.StatusDocument);
        var after = JsonSerializer.Deserialize(json, AccountStatusJson.Default.StatusDocument)!;

        Assert.Equal(json, JsonSerializer.Serialize(after, AccountStatusJson.Readable.StatusDocument));
        Assert.Contains("\"unit\": \"°C\"", json, StringComparison.Ordinal);
        Assert.Equal(bench.Time.GetUtcNow().UtcDateTime, after.Accounts[0].Reading!.ReadAt);
    }

    private AccountStatus Status() => AccountStatus.Of(Account(bench.TokenManager), Now);

    private Task<TokenSnapshot> RenewAsync(params IEnumerable<Renewal> outcomes)
    {
        bench.Grant.Then(outcomes);
        return bench.TokenManager.RenewAsync(null, TestContext.Current.CancellationToken);
    }

    private static Account Account(TokenManager manager, IReadingSource? readings = null) =>
        new("home", "netatmo", hasAccountLabel: true, manager, readings) { Provider = "Netatmo" };

    private static (string State, string Condition, string Summary, bool LoginRequired, bool NeedsUser) Words(AccountStatus status) =>
        (status.State, status.Condition, status.Summary, status.LoginRequired, status.NeedsUser);
}

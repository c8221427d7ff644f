using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Readings at the stand-in, and extensions before a signed token ends.</summary>
public sealed class DataSourceCensusTests : IAsyncLifetime
{
    private static readonly WebexDataOptions Reading = new(TimeSpan.FromMinutes(5), Extend: false, TimeSpan.FromHours(2), TimeSpan.FromDays(1), []);
    private static readonly WebexDataOptions Extending = Reading with { Extend = true };

    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();
    private SandboxServer sandbox = null!;
    private ApiAccount account = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private WebexDataSources Sources => sandbox.Webex.DataSources;

    public async ValueTask InitializeAsync()
    {
        sandbox = await SandboxServer.StartAsync(new SandboxOptions { Time = time, Providers = [new WebexProviderOptions { ServiceAppLifetimes = new(TimeSpan.FromDays(400), TimeSpan.FromDays(400), TimeSpan.Zero) }] }, Cancellation);
        account = new ApiAccount(new Secret(sandbox.Webex.LoginServiceApp().AccessToken), sandbox.Address);
    }

    public async ValueTask DisposeAsync() => await sandbox.DisposeAsync();

    [Fact]
    public async Task A_reading_has_the_sources_and_their_schemas_and_asks_for_schemas_once_a_day()
    {
        Sources.Add("https://a.example.com");
        Sources.Add("https://b.example.com", "moving");
        var census = Census(Reading);
        var reading = await TakenAsync(census);
        await TakenAsync(census);

        Assert.Equal(["active", "disabled"], reading.DataSources.Select(s => s.Status));
        Assert.Equal(2, reading.Schemas!.Count);
        Assert.Equal((2, 1, 0), (sandbox.Webex.ListSources.Requests, sandbox.Webex.Schemas.Requests, sandbox.Webex.GetSource.Requests));
        time.Advance(TimeSpan.FromDays(1));
        await TakenAsync(census);
        Assert.Equal(2, sandbox.Webex.Schemas.Requests);
    }

    [Fact]
    public async Task Nothing_is_extended_unless_it_is_asked_for()
    {
        Sources.Add("https://a.example.com");
        var census = Census(Reading);
        time.Advance(TimeSpan.FromHours(23));
        await TakenAsync(census);

        Assert.Equal(0, sandbox.Webex.UpdateSource.Requests);
    }

    [Fact]
    public async Task For_a_week_no_signed_token_ends_and_each_is_extended_once_a_day()
    {
        var (active, disabled) = (Sources.Add("https://a.example.com"), Sources.Add("https://b.example.com", "moving"));
        var census = Census(Extending);
        for (var poll = 0; poll < 7 * 24 * 12; poll++)
        {
            var reading = await TakenAsync(census);
            Assert.All(reading.DataSources, source => Assert.True(source.TokenEndsAt > time.GetUtcNow() + TimeSpan.FromMinutes(115)));
            time.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.Equal(2 * 7, sandbox.Webex.UpdateSource.Requests);
        Assert.Equal([("active", null), ("disabled", "moving")], Sources.All.Select(s => (s.Status, s.ErrorMessage)));
        Assert.NotEqual([active.Nonce, disabled.Nonce], Sources.All.Select(s => s.Nonce));
        Assert.Equal(7, (await TakenAsync(census)).Extensions.Done[active.Id]);
    }

    [Fact]
    public async Task A_short_lived_token_is_extended_at_half_its_life()
    {
        Sources.Add("https://a.example.com", lifetimeMinutes: 20);
        var census = Census(Extending);
        time.Advance(TimeSpan.FromMinutes(9));
        await TakenAsync(census);
        Assert.Equal(0, sandbox.Webex.UpdateSource.Requests);
        time.Advance(TimeSpan.FromMinutes(1));
        await TakenAsync(census);

        Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(1), Sources.All.Single().TokenExpiry);
    }

    [Fact]
    public async Task Only_the_named_are_extended_where_some_are_named()
    {
        Sources.Add("https://a.example.com");
        var named = Sources.Add("https://b.example.com");
        time.Advance(TimeSpan.FromHours(23));
        var reading = await TakenAsync(Census(Extending with { ExtendOnly = [named.Id] }));

        Assert.Equal([KeyValuePair.Create(named.Id, 1L)], reading.Extensions.Done);
    }

    [Fact]
    public async Task A_failed_extension_is_counted_and_tried_again_and_the_reading_is_there()
    {
        var source = Sources.Add("https://a.example.com");
        var census = Census(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(500, "{}"), times: 2);
        await TakenAsync(census);
        var second = await TakenAsync(census);
        Assert.Equal((2, source.TokenExpiry), (second.Extensions.Failed[(source.Id, "unavailable")], second.DataSources.Single().TokenEndsAt));
        Assert.Equal(2, log.Count("could not be extended"));

        var third = await TakenAsync(census);

        Assert.Equal((1, time.GetUtcNow() + TimeSpan.FromDays(1)), (third.Extensions.Done[source.Id], third.DataSources.Single().TokenEndsAt));
        log.HoldNone(source.Nonce, source.JwsToken, Sources.All.Single().Nonce);
    }

    [Theory]
    [InlineData(423)]
    [InlineData(429)]
    public async Task Who_asks_for_patience_is_not_asked_for_another_before(int status)
    {
        Sources.Add("https://a.example.com");
        Sources.Add("https://b.example.com");
        var census = Census(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(status, "{}", RetryAfter: "600"), times: 1);
        await TakenAsync(census);
        time.Advance(TimeSpan.FromSeconds(599));
        await TakenAsync(census);
        Assert.Equal(1, sandbox.Webex.UpdateSource.Requests);

        time.Advance(TimeSpan.FromSeconds(1));
        await TakenAsync(census);

        Assert.Equal(3, sandbox.Webex.UpdateSource.Requests);
        Assert.All(Sources.All, source => Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(1), source.TokenExpiry));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_make_the_patience_longer()
    {
        Sources.Add("https://a.example.com");
        var census = Census(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(429, "{}", RetryAfter: "600"), times: 1);
        await TakenAsync(census);

        time.StepWallClock(-TimeSpan.FromMinutes(20));
        time.Advance(TimeSpan.FromSeconds(600));
        await TakenAsync(census);

        Assert.Equal(2, sandbox.Webex.UpdateSource.Requests);
    }

    [Fact]
    public async Task One_that_has_ended_already_is_extended_too()
    {
        Sources.Add("https://a.example.com");
        time.Advance(TimeSpan.FromDays(3));

        Assert.True((await TakenAsync(Census(Extending))).DataSources.Single().TokenEndsAt > time.GetUtcNow());
    }

    [Fact]
    public async Task Where_the_list_says_little_each_source_is_asked_for()
    {
        var source = Sources.Add("https://a.example.com");
        sandbox.Webex.ListSources.Fail(new Fault.Respond(200, $$"""{"items":[{"id":"{{source.Id}}","applicationId":"a"},{"applicationId":"nameless"},{"id":"gone"}]}"""));

        var reading = await TakenAsync(Census(Reading));

        Assert.Equal([(source.Id, "active"), ("", null), ("gone", null)], reading.DataSources.Select(s => (s.Id, s.Status)));
    }

    [Fact]
    public async Task Half_an_answer_is_no_reading()
    {
        var source = Sources.Add("https://a.example.com");
        sandbox.Webex.ListSources.Fail(new Fault.Respond(200, $$"""{"items":[{"id":"{{source.Id}}"}]}"""));
        sandbox.Webex.GetSource.Fail(new Fault.Respond(500, "{}"));

        Assert.IsType<ApiFailure.Unavailable>(await FailedAsync(Census(Reading)));
    }

    [Fact]
    public async Task Without_schemas_there_is_a_reading_all_the_same_and_one_warning()
    {
        Sources.Add("https://a.example.com");
        sandbox.Webex.Schemas.Fail(new Fault.Respond(500, "{}"), times: 2);
        var census = Census(Reading);
        Assert.Null((await TakenAsync(census)).Schemas);
        Assert.Null((await TakenAsync(census)).Schemas);

        Assert.NotNull((await TakenAsync(census)).Schemas);
        Assert.Equal(1, log.Count("schemas are not known"));
    }

    [Fact]
    public async Task A_lock_and_a_limit_say_how_long_to_wait()
    {
        Sources.LockFor(TimeSpan.FromSeconds(90));
        Assert.Equal(TimeSpan.FromSeconds(90), Assert.IsType<ApiFailure.RateLimited>(await FailedAsync(Census(Reading))).RetryAfter);
        time.Advance(TimeSpan.FromSeconds(90));
        sandbox.Webex.ListSources.Fail(new Fault.TooManyRequests("7"));
        Assert.Equal(TimeSpan.FromSeconds(7), Assert.IsType<ApiFailure.RateLimited>(await FailedAsync(Census(Reading))).RetryAfter);
    }

    private DataSourceCensus Census(WebexDataOptions options) => new(Composition.Services(time, log).GetRequiredService<IWebexApi>(), account, options, "webex", time, log);

    private static async Task<WebexReading> TakenAsync(DataSourceCensus census) => Assert.IsType<PollResult<WebexReading>.Success>(await census.TakeAsync(Cancellation)).Value;

    private static async Task<ApiFailure> FailedAsync(DataSourceCensus census) => Assert.IsType<PollResult<WebexReading>.Failed>(await census.TakeAsync(Cancellation)).Failure;
}

using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Readings and extensions, with the stand-in.</summary>
public sealed class DataSourceReaderTests : IAsyncLifetime
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
        sandbox = await SandboxServer.StartAsync(
            new SandboxOptions
            {
                Time = time,
                Providers =
            [new WebexProviderOptions { ServiceAppLifetimes = new(TimeSpan.FromDays(400), TimeSpan.FromDays(400), TimeSpan.Zero) }]
            }, Cancellation);
        account = new ApiAccount(new Secret(sandbox.Webex.LoginServiceApp().AccessToken), sandbox.Address);
    }

    public async ValueTask DisposeAsync() => await sandbox.DisposeAsync();

    [Fact]
    public async Task A_reading_has_sources_and_schemas_and_reads_schemas_once_a_day()
    {
        Sources.Add("https://a.example.com");
        Sources.Add("https://b.example.com", "moving");
        var reader = Reader(Reading);
        var reading = await ReadAsync(reader);
        await ReadAsync(reader);

        Assert.Equal(["active", "disabled"], reading.DataSources.Select(s => s.Status));
        Assert.Equal(2, reading.Schemas!.Count);
        Assert.Equal((2, 1, 0), (sandbox.Webex.ListSources.Requests, sandbox.Webex.Schemas.Requests, sandbox.Webex.GetSource.Requests));
        time.Advance(TimeSpan.FromDays(1));
        await ReadAsync(reader);
        Assert.Equal(2, sandbox.Webex.Schemas.Requests);
    }

    [Fact]
    public async Task Nothing_is_extended_by_default()
    {
        Sources.Add("https://a.example.com");
        var reader = Reader(Reading);
        time.Advance(TimeSpan.FromHours(23));
        await ReadAsync(reader);

        Assert.Equal(0, sandbox.Webex.UpdateSource.Requests);
    }

    [Fact]
    public async Task In_a_week_no_signed_token_expires_and_each_is_extended_once_a_day()
    {
        var (active, disabled) = (Sources.Add("https://a.example.com"), Sources.Add("https://b.example.com", "moving"));
        var reader = Reader(Extending);
        for (var poll = 0; poll < 7 * 24 * 12; poll++)
        {
            var reading = await ReadAsync(reader);
            Assert.All(reading.DataSources, source => Assert.True(source.TokenExpiresAt > time.GetUtcNow() + TimeSpan.FromMinutes(115)));
            time.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.Equal(2 * 7, sandbox.Webex.UpdateSource.Requests);
        Assert.Equal([("active", null), ("disabled", "moving")], Sources.All.Select(s => (s.Status, s.ErrorMessage)));
        Assert.NotEqual([active.Nonce, disabled.Nonce], Sources.All.Select(s => s.Nonce));
        Assert.Equal(7, (await ReadAsync(reader)).Extensions.Succeeded[active.Id]);
    }

    [Fact]
    public async Task A_short_lived_token_is_extended_at_half_its_lifetime()
    {
        Sources.Add("https://a.example.com", lifetimeMinutes: 20);
        var reader = Reader(Extending);
        time.Advance(TimeSpan.FromMinutes(9));
        await ReadAsync(reader);
        Assert.Equal(0, sandbox.Webex.UpdateSource.Requests);
        time.Advance(TimeSpan.FromMinutes(1));
        await ReadAsync(reader);

        Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(1), Sources.All.Single().TokenExpiry);
    }

    [Fact]
    public async Task Only_the_listed_sources_are_extended()
    {
        Sources.Add("https://a.example.com");
        var named = Sources.Add("https://b.example.com");
        time.Advance(TimeSpan.FromHours(23));
        var reading = await ReadAsync(Reader(Extending with { ExtendOnly = [named.Id] }));

        Assert.Equal([KeyValuePair.Create(named.Id, 1L)], reading.Extensions.Succeeded);
    }

    [Fact]
    public async Task A_failed_extension_is_counted_and_retried_and_does_not_fail_the_reading()
    {
        var source = Sources.Add("https://a.example.com");
        var reader = Reader(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(500, "{}"), times: 2);
        await ReadAsync(reader);
        var second = await ReadAsync(reader);
        Assert.Equal((2, source.TokenExpiry), (second.Extensions.Failed[(source.Id, "unavailable")], second.DataSources.Single().TokenExpiresAt));
        Assert.Equal(2, log.Count("could not be extended"));

        var third = await ReadAsync(reader);

        Assert.Equal(
            (1, time.GetUtcNow() + TimeSpan.FromDays(1)), (third.Extensions.Succeeded[source.Id], third.DataSources.Single().TokenExpiresAt));
        log.HoldNone(source.Nonce, source.JwsToken, Sources.All.Single().Nonce);
    }

    [Theory]
    [InlineData(423)]
    [InlineData(429)]
    public async Task A_rate_limit_applies_to_the_remaining_sources(int status)
    {
        Sources.Add("https://a.example.com");
        Sources.Add("https://b.example.com");
        var reader = Reader(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(status, "{}", RetryAfter: "600"), times: 1);
        await ReadAsync(reader);
        time.Advance(TimeSpan.FromSeconds(599));
        await ReadAsync(reader);
        Assert.Equal(1, sandbox.Webex.UpdateSource.Requests);

        time.Advance(TimeSpan.FromSeconds(1));
        await ReadAsync(reader);

        Assert.Equal(3, sandbox.Webex.UpdateSource.Requests);
        Assert.All(Sources.All, source => Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(1), source.TokenExpiry));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_extend_a_rate_limit()
    {
        Sources.Add("https://a.example.com");
        var reader = Reader(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(429, "{}", RetryAfter: "600"), times: 1);
        await ReadAsync(reader);

        time.StepWallClock(-TimeSpan.FromMinutes(20));
        time.Advance(TimeSpan.FromSeconds(600));
        await ReadAsync(reader);

        Assert.Equal(2, sandbox.Webex.UpdateSource.Requests);
    }

    [Fact]
    public async Task An_expired_signed_token_is_extended_too()
    {
        Sources.Add("https://a.example.com");
        time.Advance(TimeSpan.FromDays(3));

        Assert.True((await ReadAsync(Reader(Extending))).DataSources.Single().TokenExpiresAt > time.GetUtcNow());
    }

    [Fact]
    public async Task An_incomplete_list_entry_is_read_by_itself()
    {
        var source = Sources.Add("https://a.example.com");
        sandbox.Webex.ListSources.Fail(
            new Fault.Respond(200, $$"""{"items":[{"id":"{{source.Id}}","applicationId":"a"},{"applicationId":"nameless"},{"id":"gone"}]}"""));

        var reading = await ReadAsync(Reader(Reading));

        Assert.Equal([(source.Id, "active"), ("", null), ("gone", null)], reading.DataSources.Select(s => (s.Id, s.Status)));
    }

    [Fact]
    public async Task A_partial_result_is_not_a_reading()
    {
        var source = Sources.Add("https://a.example.com");
        sandbox.Webex.ListSources.Fail(new Fault.Respond(200, $$"""{"items":[{"id":"{{source.Id}}"}]}"""));
        sandbox.Webex.GetSource.Fail(new Fault.Respond(500, "{}"));

        Assert.IsType<ApiFailure.Unavailable>(await FailedAsync(Reader(Reading)));
    }

    [Fact]
    public async Task Missing_schemas_cause_one_warning_and_do_not_fail_the_reading()
    {
        Sources.Add("https://a.example.com");
        sandbox.Webex.Schemas.Fail(new Fault.Respond(500, "{}"), times: 2);
        var reader = Reader(Reading);
        Assert.Null((await ReadAsync(reader)).Schemas);
        Assert.Null((await ReadAsync(reader)).Schemas);

        Assert.NotNull((await ReadAsync(reader)).Schemas);
        Assert.Equal(1, log.Count("schemas could not be read"));
    }

    [Fact]
    public async Task Missing_schemas_cause_one_warning_although_each_reading_is_in_another_process()
    {
        Sources.Add("https://a.example.com");
        sandbox.Webex.Schemas.Fail(new Fault.Respond(500, "{}"), times: 2);
        var first = Reader(Reading);
        await ReadAsync(first);
        var second = Next(first, Reading);
        await ReadAsync(second);
        var third = Next(second, Reading);

        Assert.NotNull((await ReadAsync(third)).Schemas);
        Assert.NotNull((await ReadAsync(Next(third, Reading))).Schemas);
        Assert.Equal((1, 3), (log.Count("schemas could not be read"), sandbox.Webex.Schemas.Requests));
    }

    [Fact]
    public async Task Counts_and_a_rate_limit_continue_in_another_process()
    {
        var (one, other) = (Sources.Add("https://a.example.com"), Sources.Add("https://b.example.com"));
        var first = Reader(Extending);
        time.Advance(TimeSpan.FromHours(23));
        sandbox.Webex.UpdateSource.Fail(new Fault.Respond(429, "{}", RetryAfter: "600"), times: 1);
        await ReadAsync(first);
        var second = Next(first, Extending);
        time.Advance(TimeSpan.FromSeconds(599));
        Assert.Equal(1, (await ReadAsync(second)).Extensions.Failed[(one.Id, "rate_limited")]);
        Assert.Equal(1, sandbox.Webex.UpdateSource.Requests);

        time.Advance(TimeSpan.FromSeconds(1));
        var reading = await ReadAsync(Next(second, Extending));

        Assert.Equal(3, sandbox.Webex.UpdateSource.Requests);
        Assert.Equal([1L, 1L], new[] { one.Id, other.Id }.Select(id => reading.Extensions.Succeeded[id]));
        Assert.Equal(1, reading.Extensions.Failed[(one.Id, "rate_limited")]);
    }

    [Fact]
    public async Task The_memory_has_no_secret_and_a_damaged_one_changes_nothing()
    {
        var source = Sources.Add("https://a.example.com");
        var reader = Reader(Extending);
        await ReadAsync(reader);
        var whole = PollMemories.Text(reader.Memory);

        foreach (var secret in new[] { source.Nonce, source.JwsToken })
        {
            Assert.DoesNotContain(secret, whole, StringComparison.Ordinal);
        }
        foreach (var (path, junk) in JsonPlaces.Of(whole).SelectMany(path => JsonPlaces.Junk.Select(junk => (path, junk))))
        {
            var other = Next(reader, Extending);
            if (Record.Exception(() => PollMemories.Restore(other.Memory, JsonPlaces.Replaced(whole, path, junk))) is { } damage)
            {
                Assert.True(SavedReadingJson.IsDamage(damage), $"{path}: {junk} throws {damage}");
                Assert.Equal(whole, PollMemories.Text(other.Memory));
            }
            PollMemories.Text(other.Memory);
        }
    }

    [Fact]
    public async Task Retry_After_is_read_for_423_and_429()
    {
        Sources.LockFor(TimeSpan.FromSeconds(90));
        Assert.Equal(TimeSpan.FromSeconds(90), Assert.IsType<ApiFailure.RateLimited>(await FailedAsync(Reader(Reading))).RetryAfter);
        time.Advance(TimeSpan.FromSeconds(90));
        sandbox.Webex.ListSources.Fail(new Fault.TooManyRequests("7"));
        Assert.Equal(TimeSpan.FromSeconds(7), Assert.IsType<ApiFailure.RateLimited>(await FailedAsync(Reader(Reading))).RetryAfter);
    }

    private DataSourceReader Reader(WebexDataOptions options) =>
        new(Composition.Services(time, log).GetRequiredService<IWebexApi>(), account, options, "webex", time, log);

    /// <summary>The reader of another process that continues where this one saved.</summary>
    private DataSourceReader Next(DataSourceReader before, WebexDataOptions options)
    {
        var next = Reader(options);
        PollMemories.Restore(next.Memory, PollMemories.Text(before.Memory));
        return next;
    }

    private static async Task<WebexReading> ReadAsync(DataSourceReader reader) =>
        Results.Value(await reader.ReadAsync(Cancellation));

    private static async Task<ApiFailure> FailedAsync(DataSourceReader reader) =>
        Results.Failure(await reader.ReadAsync(Cancellation));
}

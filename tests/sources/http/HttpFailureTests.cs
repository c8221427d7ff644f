using System.Text.Json;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>What an account with a module does when tokens expire and when the provider fails or limits its requests.</summary>
public sealed class HttpFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_that_expires_between_two_requests_costs_one_renewal_and_no_reading()
    {
        HttpBench? bench = null;
        var expired = -1;
        await using var started = bench = await HttpBench.StartAsync(log: line =>
        {
            if (line.Contains("/zones 200", StringComparison.Ordinal) && Interlocked.CompareExchange(ref expired, 1, 0) == 0)
            {
                bench!.Http.Authorization.ExpireAccessTokens();
            }
        });
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(bench.App());

        await bench.OpenAsync();
        expired = 0;

        Assert.Null((await bench.NextAsync()).Failure);
        Assert.Equal((1, 2), (expired, bench.Status.Tries));
        Assert.Equal((2, 0), (bench.Http.Authorization.Counters.Rotations, bench.Http.Authorization.Counters.ReusedRefreshTokens));
        Assert.Equal((2 * HttpBench.RequestsOfAReading) + 1, bench.Requests);
        Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State);
        Assert.Contains(bench.Series(), line => line.Contains("sensor=\"dock-1\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_is_down_for_an_hour_loses_neither_the_reading_nor_the_login()
    {
        await using var bench = await HttpBench.StartAsync();
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(bench.App());
        await bench.OpenAsync();
        string[] down = ["sites", "zones", "sensors", "jobs", "query", "token", "metadata"];
        Array.ForEach(down, name => bench.Http.Endpoint(name).Fail(new Fault.ServerError(500)));
        var before = bench.Series().Where(line => line.StartsWith("depot_pallet", StringComparison.Ordinal)).ToList();

        for (var end = bench.Time.GetUtcNow() + TimeSpan.FromMinutes(65); bench.Time.GetUtcNow() < end;)
        {
            Assert.NotNull((await bench.NextAsync()).Failure);
        }

        Assert.Equal(before, bench.Series().Where(line => line.StartsWith("depot_pallet", StringComparison.Ordinal)));
        Assert.DoesNotContain(bench.Series(), line => line.StartsWith("depot_temperature", StringComparison.Ordinal));
        Array.ForEach(down, name => bench.Http.Endpoint(name).Clear());
        while ((await bench.NextAsync()).Failure is not null)
        {
            Assert.InRange(bench.Status.Tries, 0, 1000);
        }

        Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State);
        Assert.Contains(bench.Series(), line => line.StartsWith("depot_temperature", StringComparison.Ordinal));
        Assert.Equal((0, 0), (bench.Http.Authorization.Counters.ReusedRefreshTokens, bench.Http.Authorization.Counters.RevokedFamilies));
    }

    [Theory]
    [InlineData(WaitHeader.RetryAfter, "scope: $status == 403")]
    [InlineData(WaitHeader.RateLimit, "rate_limited: {when: $status == 429, wait: \"match($headers.ratelimit, '; t=([0-9]+)')\"}")]
    public async Task The_next_request_after_a_rate_limit_is_as_late_as_the_provider_demands(WaitHeader header, string errors)
    {
        await using var bench = await HttpBench.StartAsync(
            new HttpProviderOptions { Limits = [new UsageWindow(5, TimeSpan.FromSeconds(90))], LimitHeader = header });
        bench.WriteModule("depot.yml", ("scope: $status == 403", errors), ("budget: [60 per 1m]\n", ""), ("interval: 1m", "interval: 10m"));
        bench.ConfigureOnly(HttpBench.Service());
        await bench.OpenAsync();

        var limited = Assert.IsType<ApiFailure.RateLimited>(bench.Status.Failure);
        Assert.Equal(TimeSpan.FromSeconds(90), limited.RetryAfter);
        Assert.Equal(bench.Time.GetUtcNow() + TimeSpan.FromSeconds(90), bench.Status.NextTry);
        Assert.Equal(6, bench.Requests);
        await bench.NextAsync();
        Assert.Equal(12, bench.Requests);
        var last = await bench.NextAsync();

        Assert.Null(last.Failure);
        // Two were rejected, and two pages of jobs were read again, because a request with pages is complete or not at all.
        Assert.Equal(HttpBench.RequestsOfAReading + 4, bench.Requests);
    }

    [Fact]
    [Trait("Suite", "slow")]
    public async Task A_budget_survives_kills_and_counts_a_request_whose_answer_never_came()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml", ("60 per 1m", "20 per 24h"));
        bench.ConfigureOnly(HttpBench.Service());
        await using (var first = await bench.RunProgramAsync())
        {
            await first.Says("first reading succeeded", Cancellation);
            await first.KillAsync(Cancellation);
        }
        bench.Http.Endpoint("sites").Fail(new Fault.Hang());
        await using (var second = await bench.RunProgramAsync())
        {
            await bench.Http.Endpoint("sites").Reached(2, Cancellation);
            await second.KillAsync(Cancellation);
        }
        Assert.Equal(HttpBench.RequestsOfAReading + 1, Recorded(bench));
        bench.Http.Endpoint("sites").Clear();

        for (var start = 0; start < 2; start++)
        {
            await using var exporter = await bench.RunProgramAsync();
            await exporter.Says("No request was sent to depot: the budget of 20 requests in 24 hours is used up.", Cancellation);
            await exporter.KillAsync(Cancellation);
        }

        Assert.Equal((20, 20), (bench.Requests, Recorded(bench)));
    }

    private static int Recorded(HttpBench bench)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(bench["state"], "http/depot-requests.json")));
        return file.RootElement.GetProperty("calls").GetArrayLength();
    }
}

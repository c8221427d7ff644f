using System.Globalization;
using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Junk logins cannot exhaust the client ID of an account at its provider, nor delay a renewal.</summary>
public sealed class LoginAttemptTests
{
    [Fact]
    public async Task One_login_of_an_account_runs_at_a_time()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Hang(), 1);
        var form = (await bench.Get("/auth/settoken")).Form("settoken");
        var callback = await bench.ConsentAsync();

        var first = bench.Post("/auth/settoken", [.. form, ("refresh_token", "junk")]);
        await bench.UntilAsync(() => bench.Sandbox.Netatmo.Token.Requests == 1);
        var others = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => i % 2 == 0
            ? bench.Post("/auth/settoken", [.. form, ("refresh_token", "junk")])
            : bench.Get(callback)));

        Assert.All(others, reply => Assert.Equal(
            (HttpStatusCode.TooManyRequests, "1", "Another login is in progress"), (reply.Status, reply.Header("Retry-After"), reply.Title)));
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
        bench.Sandbox.Netatmo.Token.Clear();
        Assert.Equal("The refresh token was rejected", (await first).Title);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        // The callback that was rejected still works.
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(callback)).Status);
    }

    [Fact]
    public async Task Failures_back_off_and_a_success_resets_them()
    {
        await using var bench = await WebBench.StartAsync();
        var form = (await bench.Get("/auth/settoken")).Form("settoken");
        Task<Reply> PasteAsync(string token) => bench.Post("/auth/settoken", [.. form, ("refresh_token", token)]);

        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 32, 60, 60 })
        {
            Assert.Equal("The refresh token was rejected", (await PasteAsync("junk")).Title);
            var early = await PasteAsync("junk");
            Assert.Equal(
                (HttpStatusCode.TooManyRequests, seconds.ToString(CultureInfo.InvariantCulture)), (early.Status, early.Header("Retry-After")));
            bench.Clock.Advance(TimeSpan.FromSeconds(seconds));
        }
        Assert.Equal(8, bench.Sandbox.Netatmo.Token.Requests);

        Assert.Equal(HttpStatusCode.SeeOther, (await PasteAsync(bench.Sandbox.Netatmo.Login().RefreshToken)).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await PasteAsync(bench.Sandbox.Netatmo.Login().RefreshToken)).Status);
        Assert.Equal("The refresh token was rejected", (await PasteAsync("junk")).Title);
        Assert.Equal("1", (await PasteAsync("junk")).Header("Retry-After"));
    }

    [Fact]
    public async Task A_failure_of_one_account_delays_no_other_account()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        var form = (await bench.Get("/auth/settoken?account=home")).Form("settoken").Where(f => f.Name != "account").ToList();

        await bench.Post("/auth/settoken", [.. form, ("account", "home"), ("refresh_token", "junk")]);
        var other = await bench.Post("/auth/settoken", [.. form, ("account", "cabin"), ("refresh_token", "junk")]);

        Assert.Equal("The refresh token was rejected", other.Title);
    }

    [Fact]
    public async Task Device_logins_that_fail_to_start_back_off()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.ServiceUnavailable).Expect(HttpStatusCode.OK, DeviceLoginTests.Code);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);

        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Submit("/", "auth/device")).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await bench.Submit("/", "auth/device")).Status);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Submit("/", "auth/device")).Status);
    }
}

using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Renewing a token now, logging out and canceling a login, each after a confirmation.</summary>
public sealed class ManageTests
{
    [Fact]
    public async Task A_token_is_renewed_now_after_a_confirmation()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var (before, requests) = (bench.Account.TokenManager.Snapshot.State.Token!.AccessToken, bench.Sandbox.Netatmo.Token.Requests);

        var reply = await bench.Submit("/auth/renew?account=netatmo", "renew");

        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location));
        Assert.Equal(requests + 1, bench.Sandbox.Netatmo.Token.Requests);
        Assert.NotEqual(before, bench.Account.TokenManager.Snapshot.State.Token!.AccessToken);
    }

    [Fact]
    public async Task Renewals_that_fail_wait_like_logins_that_fail()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());
        var form = (await bench.Get("/auth/renew")).Form("renew");

        Assert.Equal(bench.Card, (await bench.Post("/auth/renew", form)).Location);
        Assert.Contains("The token could not be renewed", (await bench.Get("/")).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await bench.Post("/auth/renew", form)).Status);
        bench.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(bench.Card, (await bench.Post("/auth/renew", form)).Location);

        Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task A_logout_names_what_it_does_and_deletes_the_token()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);

        var page = await bench.Get("/auth/logout?account=netatmo");
        Assert.Contains("Netatmo offers no logout for programs", page.Body, StringComparison.Ordinal);
        var reply = await bench.Submit("/auth/logout?account=netatmo", "logout");

        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location));
        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
        Assert.False(File.Exists(bench.DirectoryPath["token.json"]));
        Assert.Contains("Login needed", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_logout_that_the_provider_does_not_confirm_keeps_the_token_and_says_why()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(
            b, provider, revoke: (_, _) => Task.FromResult<string?>("the provider is not working"))]);
        await bench.Accounts[1].TokenManager.AdoptAsync(new Token { RefreshToken = new("r") }, TestContext.Current.CancellationToken);

        var reply = await bench.Submit("/auth/logout?account=car", "logout");

        Assert.Equal((HttpStatusCode.BadGateway, "The logout is not complete"), (reply.Status, reply.Title));
        Assert.Contains("the provider is not working.", reply.Body, StringComparison.Ordinal);
        Assert.Contains("oauth-exporter logout --local car", reply.Body, StringComparison.Ordinal);
        Assert.NotNull(bench.Accounts[1].TokenManager.Snapshot.State.Token);
    }

    [Fact]
    public async Task A_canceled_login_ends_its_polls_and_another_one_can_start()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Code).Expect(HttpStatusCode.OK, DeviceLoginTests.Code)
            .Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);
        await bench.Submit("/", "auth/device");

        var reply = await bench.Submit("/", "auth/cancel");
        Assert.Equal((HttpStatusCode.SeeOther, WebBench.CardOf(bench.Accounts[1])), (reply.Status, reply.Location));
        Assert.Null(bench.Accounts[1].TokenManager.Snapshot.Login);
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(provider.Calls);
        Assert.DoesNotContain("The last login failed", (await bench.Get("/")).Body, StringComparison.Ordinal);

        await bench.Submit("/", "auth/device");
        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Who_may_only_log_in_first_renews_and_deletes_nothing()
    {
        await using var bench = await WebBench.StartAsync(mayReplace: false);
        var form = (await bench.Get("/auth/logout")).Form("logout");
        bench.DirectoryPath.Write("token.json", """{"access_token":"of-the-owner","refresh_token":"of-the-owner"}""");

        foreach (var path in new[] { "/auth/logout", "/auth/renew" })
        {
            Assert.Equal(bench.Card, (await bench.Post(path, form)).Location);
        }

        Assert.Contains("of-the-owner", bench.DirectoryPath.Read("token.json"), StringComparison.Ordinal);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }
}

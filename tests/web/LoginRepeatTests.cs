using System.Net;
using Exporter.Sandbox;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Browsers and programs on the way request a page more than once, or without showing it.</summary>
public sealed class LoginRepeatTests
{
    [Theory]
    [InlineData("GET", "Sec-Purpose", "prefetch")]
    [InlineData("GET", "Sec-Purpose", "prefetch;prerender")]
    [InlineData("GET", "Purpose", "prefetch")]
    [InlineData("GET", "X-Moz", "prefetch")]
    [InlineData("GET", "X-Purpose", "preview")]
    [InlineData("HEAD", "Accept", "*/*")]
    public async Task A_request_that_shows_no_page_neither_starts_nor_finishes_a_login(string method, string header, string value)
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();

        foreach (var path in new[] { callback, "/auth", "/auth/authorize" })
        {
            var looked = await WebBench.Send(
                bench.Http, new HttpRequestMessage(new HttpMethod(method), new Uri(bench.Address, path)), (header, value));
            Assert.Equal((HttpStatusCode.ServiceUnavailable, null), (looked.Status, looked.Header("Set-Cookie")));
        }

        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        var reply = await bench.Get(callback);
        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location));
        Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeat_waits_for_the_first_outcome_and_sends_nothing(bool isFirstLogin)
    {
        await using var bench = await WebBench.StartAsync(loggedIn: !isFirstLogin, mayReplace: !isFirstLogin);
        var callback = await bench.ConsentAsync();
        var before = bench.Sandbox.Netatmo.Token.Requests;
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Hang(), 1);

        var replies = Enumerable.Range(0, 5).Select(_ => bench.Get(callback)).ToList();
        await bench.UntilAsync(() => bench.Sandbox.Netatmo.Token.Requests == before + 1);
        Assert.All(replies, reply => Assert.False(reply.IsCompleted));
        bench.Sandbox.Netatmo.Token.Clear();

        Assert.All([.. await Task.WhenAll(replies), await bench.Get(callback)], reply =>
            Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location)));
        Assert.Equal(before + 1, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_browser_that_leaves_does_not_take_the_login_with_it()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Hang(), 1);

        using var left = new CancellationTokenSource();
        var first = bench.Http.GetAsync(new Uri(bench.Address, callback), left.Token);
        await bench.UntilAsync(() => bench.Sandbox.Netatmo.Token.Requests == 1);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var second = bench.Get(callback);
        bench.Sandbox.Netatmo.Token.Clear();

        Assert.Equal(HttpStatusCode.SeeOther, (await second).Status);
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_reload_shows_the_first_failure_again()
    {
        await using var bench = await WebBench.StartAsync([("--client-secret", "wrong")]);
        var callback = await bench.ConsentAsync();

        var (first, second) = (await bench.Get(callback), await bench.Get(callback));

        Assert.Equal(("The client was rejected", first.Body), (first.Title, second.Body));
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
    }
}

using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Web;
using Microsoft.AspNetCore.DataProtection;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Several replicas behind one proxy: a browser may reach another one with each request.</summary>
public sealed class ReplicaTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_login_that_starts_on_one_replica_finishes_on_another()
    {
        await using var bench = await StartAsync();

        var start = await bench.First.Get("/auth?account=home-1");
        var callback = await WebBench.ConsentAtAsync(bench.Sandbox, start.Location!);
        var finished = await bench.Second.Get(new Uri(callback).PathAndQuery);

        var account = bench.Second.Accounts.Opened.Single();
        Assert.Equal((HttpStatusCode.SeeOther, $"../?account=home-1#{AccountKey.CardOf(account)}"), (finished.Status, finished.Location));
        Assert.Contains("access_token", bench.DirectoryPath.Read("token-home-1.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_to_a_login_is_used_on_one_replica_only()
    {
        await using var bench = await StartAsync();
        var start = await bench.First.Get("/auth?account=home-1");
        var callback = new Uri(await WebBench.ConsentAtAsync(bench.Sandbox, start.Location!)).PathAndQuery;
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.First.Get(callback)).Status);

        var again = await bench.Second.Get(callback);

        // A first login ends the permission for first logins, and the code was not sent again.
        Assert.NotEqual(HttpStatusCode.SeeOther, again.Status);
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_login_of_an_account_that_was_deleted_meanwhile_sends_no_code()
    {
        await using var bench = await StartAsync();
        var start = await bench.First.Get("/auth?account=home-1");
        var callback = new Uri(await WebBench.ConsentAtAsync(bench.Sandbox, start.Location!)).PathAndQuery;
        await bench.First.Accounts.DeleteAsync("home-1", Cancellation);

        var reply = await bench.Second.Get(callback);

        Assert.Equal((HttpStatusCode.BadRequest, "This login was not started here"), (reply.Status, reply.Title));
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_form_of_one_replica_is_accepted_by_another()
    {
        await using var bench = await StartAsync();
        var form = (await bench.First.Get("/auth/settoken?account=home-1")).Form("settoken");

        var reply = await bench.Second.Post("/auth/settoken", [.. form, ("refresh_token", bench.NewLogin())]);

        Assert.Equal(HttpStatusCode.SeeOther, reply.Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Second.Post("/auth/settoken", [("account", "home-1"), ("form", "forged")])).Status);
    }

    [Fact]
    public async Task A_one_time_link_works_once_on_all_replicas_and_its_permission_on_each()
    {
        await using var bench = await StartAsync(loggedIn: true);
        var link = await LinkAsync(bench);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Second.Get("/auth/settoken?account=home-1")).Status);

        var opened = await bench.First.Get(link);

        Assert.Equal((HttpStatusCode.SeeOther, "../auth?account=home-1"), (opened.Status, opened.Location));
        using var other = WebBench.NewBrowser();
        var second = await WebBench.Send(other, new HttpRequestMessage(HttpMethod.Get, new Uri(bench.Second.Address, link)));
        Assert.Equal((HttpStatusCode.Forbidden, "This link does not work"), (second.Status, second.Title));
        Assert.Contains("POST /api/accounts/NAME/login-link", second.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await bench.Second.Get("/auth/settoken?account=home-1")).Status);
    }

    [Fact]
    public async Task The_permission_of_a_link_ends_with_the_login_on_all_replicas()
    {
        await using var bench = await StartAsync(loggedIn: true);
        await bench.First.Get(await LinkAsync(bench));

        var form = (await bench.Second.Get("/auth/settoken?account=home-1")).Form("settoken");
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Second.Post("/auth/settoken", [.. form, ("refresh_token", bench.NewLogin())])).Status);

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.First.Get("/auth/settoken?account=home-1")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Second.Get("/auth/settoken?account=home-1")).Status);
    }

    [Fact]
    public async Task The_permission_of_a_link_is_for_one_account_and_expires()
    {
        await using var bench = await StartAsync(loggedIn: true);
        bench.Rows.Add("home-2");
        bench.DirectoryPath.Write("token-home-2.json", """{"access_token":"a","refresh_token":"b"}""");
        await bench.First.Get(await LinkAsync(bench));

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.First.Get("/auth/settoken?account=home-2")).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.First.Get("/auth/settoken?account=home-1")).Status);
        bench.Clock.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.First.Get("/auth/settoken?account=home-1")).Status);
    }

    [Fact]
    public async Task A_link_expires_after_the_time_in_the_answer()
    {
        await using var bench = await StartAsync(loggedIn: true);
        var reply = await bench.Send(HttpMethod.Post, "/api/accounts/home-1/login-link");
        var json = JsonDocument.Parse(reply.Body).RootElement;
        Assert.Equal(bench.Clock.GetUtcNow() + TimeSpan.FromMinutes(30), json.GetProperty("expires").GetDateTimeOffset());

        bench.Clock.Advance(TimeSpan.FromMinutes(30));

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.First.Get(new Uri(json.GetProperty("url").GetString()!).PathAndQuery)).Status);
    }

    [Fact]
    public async Task An_outage_of_the_database_uses_up_neither_a_link_nor_a_login()
    {
        await using var bench = await StartAsync(loggedIn: true);
        var link = await LinkAsync(bench);
        bench.Rows.Outage = new StoreOutage(bench.Clock.GetUtcNow(), "no route to the host");
        var reply = await bench.First.Get(link);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "The database cannot be reached", "5"), (reply.Status, reply.Title, reply.Header("Retry-After")));
        bench.Rows.Outage = null;
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.First.Get(link)).Status);

        var start = await bench.First.Get("/auth?account=home-1");
        var callback = new Uri(await WebBench.ConsentAtAsync(bench.Sandbox, start.Location!)).PathAndQuery;
        bench.Rows.Outage = new StoreOutage(bench.Clock.GetUtcNow(), "no route to the host");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await bench.Second.Get(callback)).Status);
        bench.Rows.Outage = null;
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Second.Get(callback)).Status);
    }

    [Fact]
    public async Task The_state_and_the_plots_of_an_account_are_found_by_its_name()
    {
        await using var bench = await StartAsync(loggedIn: true);

        Assert.Contains("\"account\": \"home-1\"", (await bench.Get("/api/status?account=home-1")).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/api/status?account=none")).Status);
        var all = await bench.Get("/api/status");
        Assert.Equal(
            (HttpStatusCode.BadRequest, "There may be many accounts. Add ?account=NAME, or list them with GET /api/accounts.\n"), (all.Status, all.Body));
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/plots?account=home-1")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/plots?account=none")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/plots")).Status);
    }

    [Fact]
    public void Data_is_protected_for_one_purpose_and_key()
    {
        var key = RandomNumberGenerator.GetBytes(32);
        var (here, there) = (new SharedDataProtection(new SharedKey(key)), new SharedDataProtection(new SharedKey(key)));
        var data = here.CreateProtector("a").CreateProtector("b").Protect([1, 2, 3]);

        Assert.Equal([1, 2, 3], there.CreateProtector("a").CreateProtector("b").Unprotect(data));
        Assert.NotEqual(data, here.CreateProtector("a").CreateProtector("b").Protect([1, 2, 3]));
        IDataProtector[] others =
        [
            there.CreateProtector("a"), there.CreateProtector("b").CreateProtector("a"), there.CreateProtector("a 1:b"), there.CreateProtector("ab"),
            new SharedDataProtection(new SharedKey(RandomNumberGenerator.GetBytes(32))).CreateProtector("a").CreateProtector("b"),
        ];
        Assert.All(others, other => Assert.ThrowsAny<CryptographicException>(() => other.Unprotect(data)));
        for (var i = 0; i < data.Length; i++)
        {
            var changed = data.ToArray();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => there.CreateProtector("a").CreateProtector("b").Unprotect(changed));
            Assert.ThrowsAny<CryptographicException>(() => there.CreateProtector("a").CreateProtector("b").Unprotect(data[..i]));
        }
        Assert.ThrowsAny<CryptographicException>(() => there.CreateProtector("a").Unprotect("not base64!"));
        Assert.Throws<ArgumentException>(() => new SharedKey(new byte[31]));
    }

    private static async Task<SharedBench> StartAsync(bool loggedIn = false)
    {
        // Each replica has an address of its own. The browser sends its cookies to both, because cookies ignore the port.
        var bench = await SharedBench.StartAsync(replicas: 2);
        bench.Rows.Add("home-1", state: loggedIn ? "active" : "missing");
        if (loggedIn)
        {
            bench.DirectoryPath.Write("token-home-1.json", $$"""{"refresh_token":"{{bench.NewLogin()}}"}""");
        }
        return bench;
    }

    private static async Task<string> LinkAsync(SharedBench bench)
    {
        var reply = await bench.Send(HttpMethod.Post, "/api/accounts/home-1/login-link", SharedBench.Writer);
        return new Uri(JsonDocument.Parse(reply.Body).RootElement.GetProperty("url").GetString()!).PathAndQuery;
    }
}

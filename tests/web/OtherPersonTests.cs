using System.Buffers.Text;
using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tests.Webex;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>A login as another person than before replaces the login only after a confirmation.</summary>
public sealed class OtherPersonTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("adopt")]
    [InlineData("drop")]
    public async Task A_device_login_as_another_person_waits_for_a_confirmation(string decision)
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Code).Expect(HttpStatusCode.OK, Response(gcid: "new-gcid"));
        await using var bench = await StartAsync(provider, new Token { Members = JsonMembers.Empty.With("gcid", "old-gcid") });
        var car = bench.Accounts[1].TokenManager;
        await bench.Submit("/", "auth/device");
        await bench.Clock.AdvanceUntilAsync(() => car.Snapshot.Login is null, TimeSpan.FromMinutes(1));

        Assert.Equal("old", Access(car));
        Assert.Contains("<a href=\"auth/confirm?account=car\">", (await bench.Get("/")).Body, StringComparison.Ordinal);
        var page = await bench.Get("/auth/confirm?account=car");
        Assert.Contains("old-gcid", page.Body, StringComparison.Ordinal);
        Assert.Contains("new-gcid", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("the-access-token", page.Body, StringComparison.Ordinal);
        var decided = await bench.Post("/auth/confirm", [.. page.Form("confirm"), ("decision", decision)]);

        Assert.Equal((HttpStatusCode.SeeOther, "../"), (decided.Status, decided.Location));
        Assert.Equal(decision == "adopt" ? "the-access-token" : "old", Access(car));
        Assert.DoesNotContain("auth/confirm", (await bench.Get("/")).Body, StringComparison.Ordinal);
        var again = await bench.Post("/auth/confirm", [.. page.Form("confirm"), ("decision", "adopt")]);
        Assert.Equal((HttpStatusCode.NotFound, "There is nothing to confirm"), (again.Status, again.Title));
    }

    [Theory]
    [InlineData("old", "new", null, null)]
    [InlineData(null, null, "old", "new")]
    public async Task A_redirect_login_as_another_person_waits_for_a_confirmation(string? subject, string? newSubject, string? gcid, string? newGcid)
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(newSubject, newGcid));
        var current = new Token { IdToken = subject is null ? null : IdToken(subject), Members = JsonMembers.Empty.With("gcid", gcid) };
        await using var bench = await StartAsync(provider, current, isRedirect: true);
        var manager = bench.Accounts[1].TokenManager;

        var reply = await RedirectAsync(bench);

        Assert.Equal((HttpStatusCode.SeeOther, "confirm?account=elsewhere"), (reply.Status, reply.Location));
        Assert.Equal("old", Access(manager));
        var page = await bench.Get("/auth/confirm?account=elsewhere");
        Assert.Contains("<dd>old</dd></div><div><dt>New person</dt><dd>new</dd>", page.Body, StringComparison.Ordinal);
        await bench.Post("/auth/confirm", [.. page.Form("confirm"), ("decision", "adopt")]);
        Assert.Equal("the-access-token", Access(manager));
    }

    [Fact]
    public async Task A_redirect_login_as_the_same_person_needs_no_confirmation()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(subject: "same"));
        await using var bench = await StartAsync(provider, new Token { IdToken = IdToken("same") }, isRedirect: true);

        Assert.DoesNotContain("confirm", (await RedirectAsync(bench)).Location ?? "", StringComparison.Ordinal);

        Assert.Equal("the-access-token", Access(bench.Accounts[1].TokenManager));
    }

    [Theory]
    [InlineData("adopt")]
    [InlineData("drop")]
    public async Task A_pasted_token_of_another_Webex_user_waits_for_a_confirmation(string decision)
    {
        await using var webex = await WebexFixture.StartAsync();
        var (before, pasted) = (webex.Provider.LoginPersonal(), LogInWebex(webex, "other"));
        await webex.Configure(before, webex.Provider.LoginIntegration()).OpenAsync();
        var integration = webex.Personal.Snapshot.State.Token!.RefreshToken;
        await using var bench = await WebBench.StartAsync(names: ["home"], more: _ => [webex.Account]);

        Assert.Equal("confirm?account=webex", (await PasteAsync(bench, "webex", pasted)).Location);

        Assert.Equal(before, Access(webex.Personal));
        var page = await bench.Get("/auth/confirm?account=webex");
        Assert.Contains(
            "<dd>sandbox-admin@example.com</dd></div><div><dt>New person</dt><dd>other@example.com</dd>", page.Body, StringComparison.Ordinal);
        await bench.Post("/auth/confirm", [.. page.Form("confirm"), ("decision", decision)]);
        Assert.Equal(decision == "adopt" ? pasted : before, Access(webex.Personal));
        Assert.Equal(integration, webex.Personal.Snapshot.State.Token!.RefreshToken);
    }

    [Fact]
    public async Task A_pasted_token_of_the_same_Webex_user_needs_no_confirmation()
    {
        await using var webex = await WebexFixture.StartAsync();
        await webex.Configure(webex.Provider.LoginPersonal()).OpenAsync();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: _ => [webex.Account]);
        var pasted = webex.Provider.LoginPersonal();

        Assert.Equal(WebBench.CardOf(bench.Accounts[^1]), (await PasteAsync(bench, "webex", pasted)).Location);

        Assert.Equal(pasted, Access(webex.Personal));
    }

    [Fact]
    public async Task Only_the_first_Webex_token_may_be_pasted_from_a_private_address()
    {
        await using var webex = await WebexFixture.StartAsync();
        await webex.Configure().OpenAsync();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: _ => [webex.Account], mayReplace: false);
        var first = webex.Provider.LoginPersonal();

        Assert.Equal(WebBench.CardOf(bench.Accounts[^1]), (await PasteAsync(bench, "webex", first)).Location);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get("/auth/settoken?account=webex")).Status);

        Assert.Equal(first, Access(webex.Personal));
    }

    [Fact]
    public async Task A_login_that_is_not_confirmed_is_dropped_after_ten_minutes()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(subject: "new"));
        await using var bench = await StartAsync(provider, new Token { IdToken = IdToken("old") });
        Assert.Equal("confirm?account=car", (await PasteAsync(bench)).Location);
        var form = (await bench.Get("/auth/confirm?account=car")).Form("confirm");

        bench.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(HttpStatusCode.NotFound, (await bench.Post("/auth/confirm", [.. form, ("decision", "adopt")])).Status);
        Assert.Equal("../", (await bench.Get("/auth/confirm?account=car")).Location);
        Assert.Equal("old", Access(bench.Accounts[1].TokenManager));
    }

    [Fact]
    public async Task A_pasted_token_of_another_person_is_used_after_the_confirmation()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(subject: "new"));
        await using var bench = await StartAsync(provider, new Token { IdToken = IdToken("old") });

        Assert.Equal("confirm?account=car", (await PasteAsync(bench)).Location);
        Assert.Equal("old", Access(bench.Accounts[1].TokenManager));
        await bench.Submit("/auth/confirm?account=car", "confirm", ("decision", "adopt"));

        Assert.Equal("the-access-token", Access(bench.Accounts[1].TokenManager));
        Assert.Contains("the-access-token", await File.ReadAllTextAsync(bench.DirectoryPath["car.json"], Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("same", "same")]
    [InlineData(null, "new")]
    [InlineData("old", null)]
    public async Task The_same_person_and_an_unknown_one_need_no_confirmation(string? before, string? after)
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(subject: after));
        await using var bench = await StartAsync(provider, new Token { IdToken = before is null ? null : IdToken(before) });

        Assert.Equal(WebBench.CardOf(bench.Accounts[^1]), (await PasteAsync(bench)).Location);

        Assert.Equal("the-access-token", Access(bench.Accounts[1].TokenManager));
    }

    [Fact]
    public async Task A_form_of_another_site_confirms_nothing()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Response(subject: "new"));
        await using var bench = await StartAsync(provider, new Token { IdToken = IdToken("old") });
        await PasteAsync(bench);
        var form = (await bench.Get("/auth/confirm?account=car")).Form("confirm");

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post("/auth/confirm", [("account", "car"), ("decision", "adopt")])).Status);
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await bench.Post("/auth/confirm", [.. form, ("decision", "adopt")], ("Sec-Fetch-Site", "cross-site"))).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await WebBench.Send(
            bench.Http, new HttpRequestMessage(HttpMethod.Delete, new Uri(bench.Address, "/auth/confirm?account=car&decision=adopt")))).Status);
        await bench.Get("/auth/confirm?account=car&decision=adopt");

        Assert.Equal("old", Access(bench.Accounts[1].TokenManager));
    }

    private static Task<Reply> PasteAsync(WebBench bench, string account = "car", string token = "pasted") =>
        bench.Submit($"/auth/settoken?account={account}", "settoken", ("refresh_token", token));

    /// <summary>Logs in by redirect. The browser returns with a code.</summary>
    private static async Task<Reply> RedirectAsync(WebBench bench)
    {
        var state = (await bench.Get("/auth/authorize?account=elsewhere")).Location!.Split("state=")[1].Split('&')[0];
        return await bench.Get($"/auth/callback?code=the-code&state={state}");
    }

    private static string LogInWebex(WebexFixture webex, string user) =>
        webex.Provider.Personal.Login("portal", user, WebexProvider.ApplicationsScope, "spark:people_read").AccessToken;

    private static string? Access(TokenManager manager) => manager.Snapshot.State.Token?.AccessToken?.Reveal();

    private static async Task<WebBench> StartAsync(StubHttp provider, Token current, bool isRedirect = false)
    {
        var bench = await WebBench.StartAsync(
            names: ["home"], more: b => [isRedirect ? PasteTests.Redirect(b, provider, redirectUri: null) : DeviceLoginTests.Car(b, provider)]);
        await bench.Accounts[1].TokenManager.AdoptAsync(current with { AccessToken = new Secret("old") }, Cancellation);
        return bench;
    }

    private static Secret IdToken(string subject) =>
        new($"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"sub":"{{subject}}"}"""))}.e30");

    private static string Response(string? subject = null, string? gcid = null) => DeviceLoginTests.Token.Replace("{", string.Concat(
        "{", subject is null ? "" : $"\"id_token\":\"{IdToken(subject).Reveal()}\",", gcid is null ? "" : $"\"gcid\":\"{gcid}\","), StringComparison.Ordinal);
}

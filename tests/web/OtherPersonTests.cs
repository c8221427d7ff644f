using System.Buffers.Text;
using System.Net;
using System.Text;
using Exporter.Tests.Support;
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

        Assert.Equal("../", (await PasteAsync(bench)).Location);

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

    private static Task<Reply> PasteAsync(WebBench bench) => bench.Submit("/auth/settoken?account=car", "settoken", ("refresh_token", "pasted"));

    private static string? Access(TokenManager manager) => manager.Snapshot.State.Token?.AccessToken?.Reveal();

    private static async Task<WebBench> StartAsync(StubHttp provider, Token current)
    {
        var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);
        await bench.Accounts[1].TokenManager.AdoptAsync(current with { AccessToken = new Secret("old") }, Cancellation);
        return bench;
    }

    private static Secret IdToken(string subject) =>
        new($"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"sub":"{{subject}}"}"""))}.e30");

    private static string Response(string? subject = null, string? gcid = null) => DeviceLoginTests.Token.Replace("{", string.Concat(
        "{", subject is null ? "" : $"\"id_token\":\"{IdToken(subject).Reveal()}\",", gcid is null ? "" : $"\"gcid\":\"{gcid}\","), StringComparison.Ordinal);
}

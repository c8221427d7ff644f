using System.Net;
using System.Text;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Attacks with forms. README.md in this directory has a table of all attacks.</summary>
public sealed class FormAttackTests
{
    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Origin", "https://evil.example")]
    public async Task A_form_from_another_site_is_rejected_even_with_a_valid_token(string header, string value)
    {
        await using var bench = await WebBench.StartAsync();
        var token = bench.Sandbox.Netatmo.Login().RefreshToken;
        var form = (await bench.Get("/auth/settoken")).Form("settoken").Append(("refresh_token", token)).ToList();

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post("/auth/settoken", form, (header, value))).Status);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        var sameOrigin = await bench.Post("/auth/settoken", form, ("Origin", "null"), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.SeeOther, sameOrigin.Status);
    }

    [Theory]
    [InlineData("/auth/settoken")]
    [InlineData("/auth/device")]
    [InlineData("/auth/renew")]
    [InlineData("/auth/logout")]
    [InlineData("/auth/cancel")]
    [InlineData("/auth/code")]
    public async Task A_form_without_a_token_or_with_that_of_another_browser_is_rejected(string path)
    {
        await using var bench = await WebBench.StartAsync();
        using var other = WebBench.NewBrowser();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(bench.Address, "/auth/settoken"));
        var theirs = (await WebBench.Send(other, request)).Form("settoken");
        await bench.Get("/auth/settoken");

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post(path, [("refresh_token", "x"), ("answer", "x")])).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post(path, [.. theirs, ("refresh_token", "x"), ("answer", "x")])).Status);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_form_from_before_a_restart_changes_nothing_and_needs_a_reload()
    {
        await using var before = await WebBench.StartAsync();
        var page = await before.Get("/auth/settoken");
        await using var after = await WebBench.StartAsync();
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var cookie = ("Cookie", page.Header("Set-Cookie")!.Split(';')[0]);

        var rejected = await Send(HttpMethod.Post, [.. page.Form("settoken"), ("refresh_token", "x")]);
        var reloaded = await Send(HttpMethod.Get, null);

        Assert.Equal((HttpStatusCode.Forbidden, "This form was rejected"), (rejected.Status, rejected.Title));
        Assert.Contains("reload this page", rejected.Body, StringComparison.Ordinal);
        Assert.Equal(0, after.Sandbox.Netatmo.Token.Requests);
        Assert.NotNull(reloaded.Header("Set-Cookie"));

        async Task<Reply> Send(HttpMethod method, IEnumerable<(string Name, string Value)>? form)
        {
            using var content = form is null ? null : new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value)));
            using var request = new HttpRequestMessage(method, new Uri(after.Address, "/auth/settoken")) { Content = content };
            return await WebBench.Send(browser, request, cookie);
        }
    }

    [Theory]
    [InlineData("https://exporter.example.org", "exporter.example.org:443", true)]
    [InlineData("https://exporter.example.org", "nas:9210", false)]
    [InlineData("http://exporter.example.org", "exporter.example.org", false)]
    public async Task The_cookie_of_a_form_is_hidden_from_scripts_and_other_sites_and_secure_over_HTTPS(
        string external, string host, bool secure)
    {
        await using var bench = await WebBench.StartAsync([("--external-url", external)]);

        var cookie = (await bench.Get("/auth/settoken", ("Host", host))).Header("Set-Cookie")!;

        string[] parts = ["exporter-form=", "; httponly", "; samesite=strict", "; path=/"];
        Assert.All(parts, part => Assert.Contains(part, cookie, StringComparison.Ordinal));
        Assert.Equal(secure, cookie.Contains("; secure", StringComparison.Ordinal));
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_not_read()
    {
        await using var bench = await WebBench.StartAsync();
        var form = (await bench.Get("/auth/settoken")).Form("settoken");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync(20_000));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(9_000));
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);

        async Task<HttpStatusCode> PostAsync(int length) =>
            (await bench.Post("/auth/settoken", [.. form, ("refresh_token", new string('x', length))])).Status;
    }

    [Theory]
    [InlineData("application/json", "{\"refresh_token\":\"x\"}")]
    [InlineData("text/plain", "refresh_token=x")]
    public async Task A_form_of_another_type_is_rejected(string type, string body)
    {
        await using var bench = await WebBench.StartAsync();

        using var content = new StringContent(body, Encoding.UTF8, type);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(bench.Address, "/auth/settoken")) { Content = content };
        var reply = await WebBench.Send(bench.Http, request);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, reply.Status);
    }
}

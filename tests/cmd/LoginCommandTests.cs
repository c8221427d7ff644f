using System.Net;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed partial class LoginCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_device_code_is_entered_anywhere_and_the_token_is_saved_at_once()
    {
        await using var bench = await CommandBench.StartAsync();
        var login = bench.RunAsync("login", "car");
        await bench.PollUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 0);

        Assert.True(bench.Sandbox.Bmw.Decide(Code(bench), approve: true));
        await bench.PollUntilAsync(() => login.IsCompleted);

        Assert.Equal(0, await login);
        Assert.StartsWith($"car: logged in; the token is in {bench["car.json"]} and valid until ", bench.Output, StringComparison.Ordinal);
        var file = bench.Read("car.json");
        Assert.Equal((bench.Sandbox.Bmw.Gcid, bench.Sandbox.Bmw.ClientId), (file.Text("gcid"), file.Text("client_id")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench["car.json"]));
        Assert.Equal($"{bench.Sandbox.Address.OriginalString}/oneid/link?user_code={Code(bench)}", Assert.Single(bench.Opened).OriginalString);
    }

    [Fact]
    public async Task A_new_login_keeps_the_unknown_members_of_the_file()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar(clientId: "00000000-0000-4000-8000-000000000000");
        var login = bench.RunAsync("login", "car", "--no-browser");
        await bench.PollUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 0);

        bench.Sandbox.Bmw.Decide(Code(bench), approve: true);
        await bench.PollUntilAsync(() => login.IsCompleted);

        Assert.Equal(0, await login);
        Assert.Equal(bench.Sandbox.Bmw.ClientId, bench.Read("car.json").Text("client_id"));
        Assert.Contains("\"mine\": [1, 2]", await File.ReadAllTextAsync(bench["car.json"], Cancellation), StringComparison.Ordinal);
        Assert.Empty(bench.Opened);
    }

    [Fact]
    public async Task A_denied_login_is_exit_code_1_and_leaves_the_file_alone()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInCar();
        var login = bench.RunAsync("login", "car");
        await bench.PollUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 0);

        bench.Sandbox.Bmw.Decide(Code(bench), approve: false);
        await bench.PollUntilAsync(() => login.IsCompleted);

        Assert.Equal(1, await login);
        Assert.EndsWith("car: login failed: the login was rejected on the provider's page\n", bench.Error, StringComparison.Ordinal);
        Assert.Equal(before.RefreshToken, bench.Read("car.json").Text("refresh_token"));
    }

    [Fact]
    public async Task A_provider_that_does_not_respond_is_exit_code_2()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Sandbox.Bmw.DeviceCode.Fail(new Fault.ServerError());

        Assert.Equal(2, await bench.RunAsync("login", "car"));
        Assert.Contains("try again later", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task A_browser_on_this_machine_completes_the_login_by_its_redirect(string host)
    {
        await using var bench = await CommandBench.StartAsync();
        var redirect = Redirect(bench, host);
        var login = bench.RunAsync("login", "home", "--external-url", redirect.GetLeftPart(UriPartial.Authority));
        await bench.WaitForErrorAsync("Waiting for the browser");

        var back = await ConsentAsync(bench, "accept");
        using var http = new HttpClient();
        // A forged redirect has another state, and changes nothing.
        using var forged = await http.GetAsync(new Uri($"{back.GetLeftPart(UriPartial.Path)}?code=evil&state=evil"), Cancellation);
        using var other = await http.GetAsync(new Uri(redirect, "/elsewhere"), Cancellation);
        using var page = await http.GetAsync(back, Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.NotFound, HttpStatusCode.OK), (forged.StatusCode, other.StatusCode, page.StatusCode));
        Assert.DoesNotContain("evil", await forged.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(0, await login);
        Assert.NotNull(bench.Read("home.json").Text("refresh_token"));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(redirect, Cancellation));
    }

    [Fact]
    public async Task It_prints_a_denial_from_the_redirect()
    {
        await using var bench = await CommandBench.StartAsync();
        var login = bench.RunAsync("login", "home", "--external-url", Redirect(bench, "127.0.0.1").GetLeftPart(UriPartial.Authority));
        await bench.WaitForErrorAsync("Waiting for the browser");

        using var http = new HttpClient();
        using var page = await http.GetAsync(await ConsentAsync(bench, "refuse"), Cancellation);

        Assert.Equal(1, await login);
        Assert.Contains("rejected on the provider's page", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_falls_back_to_pasting()
    {
        await using var bench = await CommandBench.StartAsync();
        var inUse = bench.Sandbox.Address.GetLeftPart(UriPartial.Authority);

        Assert.Equal(1, await bench.RunAsync("login", "home", "--external-url", inUse));

        Assert.Contains("in use", bench.Error, StringComparison.Ordinal);
        Assert.Contains("the standard input is empty; run the command in a terminal", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pasting_accepts_the_whole_address_or_only_the_code(bool whole)
    {
        await using var bench = await CommandBench.StartAsync();
        using var typing = new DelayedLineReader();
        var login = bench.RunWithInputAsync(typing, "login", "home", "--paste");
        await bench.WaitForErrorAsync("Paste the browser's final address");

        var back = await ConsentAsync(bench, "accept");
        typing.Type(whole ? back.OriginalString : Forms.Read(back.Query)["code"]);

        Assert.Equal(0, await login);
        Assert.NotNull(bench.Read("home.json").Text("access_token"));
    }

    [Fact]
    public async Task It_rejects_the_address_of_another_login()
    {
        await using var bench = await CommandBench.StartAsync();

        const string pasted = "http://127.0.0.1:9210/auth/callback?code=abc&state=other\n";
        Assert.Equal(1, await bench.RunAsync(pasted, interactive: true, "login", "home", "--paste"));

        Assert.Contains("another login", bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task An_account_without_a_login_method_prints_what_it_needs()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Configure("""
              other:
                source: oauth2
                client_id: app
                token_endpoint: http://127.0.0.1:9/token
                token_file: other.json

            """);

        Assert.Equal(1, await bench.RunAsync("login", "other"));

        Assert.Contains($"create a token file with a refresh token at {bench["other.json"]}", bench.Error, StringComparison.Ordinal);
    }

    private static string Code(CommandBench bench) => CodeLine().Match(bench.Error).Groups[1].Value;

    /// <summary>A callback on a free port, registered at the sandbox.</summary>
    private static Uri Redirect(CommandBench bench, string host)
    {
        var redirect = new Uri($"http://{host}:{FreePort.Take()}/auth/callback");
        bench.Sandbox.Netatmo.RegisterRedirectUri(redirect.OriginalString);
        return redirect;
    }

    /// <summary>Opens the printed page, decides, and returns the redirect address.</summary>
    private static async Task<Uri> ConsentAsync(CommandBench bench, string decision)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var address = new Uri(AddressLine().Match(bench.Error).Groups[1].Value);
        var page = await http.GetStringAsync(address, Cancellation);
        using var response = await http.PostAsync(address, new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["consent"] = Regex.Match(page, "name=\"consent\" value=\"([^\"]+)\"").Groups[1].Value,
            ["decision"] = decision,
        }), Cancellation);
        return response.Headers.Location!;
    }

    [GeneratedRegex(@"code +([A-Z]+)")]
    private static partial Regex CodeLine();

    [GeneratedRegex(@"(http\S+/oauth2/authorize\S+)")]
    private static partial Regex AddressLine();
}

/// <summary>Input of one line that becomes available when the test calls <see cref="Type"/>.</summary>
internal sealed class DelayedLineReader : TextReader
{
    private readonly TaskCompletionSource<string> line = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Type(string text) => line.SetResult(text);

    public override string? ReadLine() => line.Task.GetAwaiter().GetResult();
}

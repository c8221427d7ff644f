using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The saved answers of recipes, behind an issuer of their own.</summary>
public sealed class HttpRecipeTests
{
    private const string Tado = "1bb50063-6b0c-4d11-bd99-387f4a91cc46";

    private static readonly string Recipes = Path.Combine(Golden.Root, "sandbox/testdata/recipes");

    [Fact]
    public async Task A_recipe_is_read_after_a_device_login()
    {
        await using var visitor = await StartAsync();
        var begun = await visitor.Post("/tado/oauth/device_authorization", ("client_id", Tado), ("scope", "offline_access"));
        Assert.True(visitor.Http.Decide(begun.Text("user_code"), approve: true));
        var tokens = await visitor.Post("/tado/oauth/token", ("client_id", Tado), ("device_code", begun.Text("device_code")),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"));

        var token = tokens.Text("access_token");
        Assert.Equal("offline_access", tokens.Text("scope"));
        var home = (await visitor.Api(token, "/tado/api/v2/me")).At("homes.0.id").GetInt32();
        Assert.Equal("Bed \"room\"", (await visitor.Api(token, $"/tado/api/v2/homes/{home}/zones")).At("1.name").GetString());
        var states = await visitor.Api(token, $"/tado/api/v2/homes/{home}/zoneStates");
        Assert.Equal(20.17m, states.At("zoneStates.1.sensorDataPoints.insideTemperature.celsius").GetDecimal());
        Assert.Equal(["\"perday\";r=19997"], states.Headers.GetValues("ratelimit"));
        Assert.Empty(visitor.Http.UnexpectedRequests);
    }

    [Fact]
    public async Task An_answer_keeps_its_status_headers_and_type()
    {
        await using var visitor = await StartAsync();
        var limited = await visitor.Api(visitor.Http.LoginTo("tado").AccessToken, "/tado/api/v2/homes/1234/dayReport?date=2025-11-25");
        Assert.Equal((429, "application/problem+json", "\"perday\";r=0;t=3600"),
            ((int)limited.Status, limited.ContentHeaders.ContentType!.MediaType, limited.Headers.GetValues("ratelimit").Single()));
    }

    [Theory]
    [InlineData("/tado/api/v2/homes")]
    [InlineData("/tado/api/v2/me?x=1")]
    [InlineData("/tado/api/v2/ME")]
    [InlineData("/tado/api/v2/homes/1234/dayReport")]
    [InlineData("/tado/api/v2/homes/1234/dayReport?date=2025-11-26")]
    [InlineData("/tado/api/v2/homes/1234/dayReport?Date=2025-11-25")]
    [InlineData("/tado/api/v2/homes/1234/dayReport?date=2025-11-25&date=2025-11-25")]
    public async Task A_request_without_a_saved_answer_is_not_found_and_recorded(string path)
    {
        await using var visitor = await StartAsync();
        var reply = await visitor.Api(visitor.Http.LoginTo("tado").AccessToken, path);

        Assert.Equal((404, "not_found"), reply.OAuthError);
        Assert.Equal([$"GET {path}"], visitor.Http.UnexpectedRequests);
        var state = await visitor.Get("/sandbox/state");
        Assert.Equal(1, state.At("http.endpoints.unexpected.requests").GetInt32());
    }

    [Fact]
    public async Task A_recipe_needs_a_valid_token_of_its_own_issuer()
    {
        await using var visitor = await StartAsync();
        var tado = visitor.Http.LoginTo("tado").AccessToken;

        Assert.Equal("Bearer realm=\"tado\"", (await visitor.Get("/tado/api/v2/me")).Headers.WwwAuthenticate.Single().ToString());
        var other = await visitor.Api(visitor.Http.Login().AccessToken, "/tado/api/v2/me");
        Assert.Equal((401, "invalid_token"), other.OAuthError);
        Assert.Equal("Bearer realm=\"tado\", error=\"invalid_token\"", other.Headers.WwwAuthenticate.Single().ToString());
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(tado, "/tado/api/v2/me")).Status);
        await visitor.Post("/sandbox/expire?provider=http&level=tado", "{}");
        Assert.Equal((401, "invalid_token"), (await visitor.Api(tado, "/tado/api/v2/me")).OAuthError);
    }

    [Fact]
    public async Task A_nested_token_comes_back_with_a_status_and_commas_between_its_scopes()
    {
        await using var visitor = await StartAsync();
        var back = await visitor.Accept("/withings/oauth", ("client_id", "withings-client"), ("redirect_uri", SandboxVisitor.Callback),
            ("response_type", "code"), ("scope", "user.info,user.metrics"), ("state", "s"));
        Task<Reply> TokenAsync(params (string, string)[] form) => visitor.Post("/withings/oauth/token",
            [.. form, ("client_id", "withings-client"), ("client_secret", "sandbox-withings-client-secret")]);
        var redeem = new[] { ("grant_type", "authorization_code"), ("code", back.Location("code")!), ("redirect_uri", SandboxVisitor.Callback) };

        Assert.Equal("""{"status":503,"error":"Invalid Params"}""", (await TokenAsync(redeem)).Body);
        var tokens = await TokenAsync([.. redeem, ("action", "requesttoken")]);
        Assert.Equal((0, "user.info,user.metrics"), (tokens.At("status").GetInt32(), tokens.At("body.scope").GetString()));
        var reused = await TokenAsync([.. redeem, ("action", "requesttoken")]);
        Assert.Equal((200, """{"status":503,"error":"Invalid Params: invalid code"}"""), ((int)reused.Status, reused.Body));
    }

    [Fact]
    public async Task A_saved_answer_is_chosen_by_all_parameters_of_the_form()
    {
        await using var visitor = await StartAsync();
        var token = visitor.Http.LoginTo("withings").AccessToken;
        Task<Reply> MeasuresAsync(string from, params (string, string)[] more) => visitor.PostForm(
            from, "/withings/measure", [("action", "getmeas"), ("meastypes", "1,6,8,9,10,11,71"), ("category", "1"), .. more]);

        var first = await MeasuresAsync(token);
        var second = await MeasuresAsync(token, ("offset", first.At("body.offset").GetRawText()));
        Assert.Equal((1, 3), (first.At("body.measuregrps.0.grpid").GetInt32(), second.At("body.measuregrps.0.grpid").GetInt32()));

        Assert.Equal((404, 404), Nested(await MeasuresAsync(token, ("offset", "4"))));
        Assert.Equal(
            ["POST /withings/measure with action=getmeas&meastypes=1,6,8,9,10,11,71&category=1&offset=4"], visitor.Http.UnexpectedRequests);
        Assert.Equal((200, 401), Nested(await MeasuresAsync("unknown")));
    }

    [Fact]
    public async Task The_sandbox_prints_what_an_account_of_each_recipe_needs()
    {
        await using var visitor = await StartAsync();
        var lines = await visitor.Sandbox.DescribeAsync(TestContext.Current.CancellationToken);
        var tado = Assert.Single(lines, line => line.StartsWith($"Recipe {visitor.Sandbox.Address}tado ", StringComparison.Ordinal));

        var renewed = await visitor.Post("/tado/oauth/token",
            ("grant_type", "refresh_token"), ("refresh_token", tado.Split(' ')[^1]), ("client_id", Tado));
        Assert.Contains($"client {Tado} with no secret", tado, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(renewed.Text("access_token"), "/tado/api/v2/me")).Status);
    }

    [Fact]
    public async Task An_API_key_HTTP_Basic_and_no_authentication_are_possible()
    {
        using var directory = new TemporaryDirectory();
        Write(directory, "keyed", """{"auth":{"kind":"api_key","header":"vcc-api-key"},"exchanges":[{"path":"/a b","status":204}]}""");
        Write(directory, "basic", """{"auth":{"kind":"basic"},"exchanges":[{"path":"/a","status":204}]}""");
        Write(directory, "open", """{"auth":{"kind":"none"},"exchanges":[{"method":"POST","path":"/a","json":{"n":[1,null]},"status":204}]}""");
        await using var visitor = await SandboxVisitor.StartWith(new HttpProviderOptions { Recipes = HttpRecipe.ReadAll(directory.Path) });

        Assert.Equal((401, "invalid_key"), (await visitor.Get("/keyed/a%20b")).OAuthError);
        var keyed = new HttpRequestMessage(HttpMethod.Get, "/keyed/a%20b") { Headers = { { "vcc-api-key", HttpProvider.ApiKey } } };
        Assert.Equal(HttpStatusCode.NoContent, (await visitor.Send(keyed)).Status);
        Assert.Equal((401, "unauthorized"), (await visitor.Get("/basic/a")).OAuthError);
        Assert.Equal(
            HttpStatusCode.NoContent, (await visitor.WithBasic(HttpMethod.Get, "/basic/a", $"{HttpProvider.User}:{HttpProvider.Password}")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync("""{ "n": [1, null] }""")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("""{"n":[1]}""")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await visitor.Get("/open/oauth/.well-known/openid-configuration")).Status);

        Task<Reply> PostAsync(string json) => visitor.Send(new HttpRequestMessage(HttpMethod.Post, "/open/a")
        {
            Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        });
    }

    [Theory]
    [InlineData("""{"exchanges":[{"path":"a"}]}""", "one/api.json: exchange 1: path must start with /.")]
    [InlineData("""{"exchanges":[{"path":"/oauth/token"}]}""", "one/api.json: exchange 1: the sandbox itself serves /oauth.")]
    [InlineData("""{"exchanges":[{"path":"/a","method":"PUT"}]}""", "one/api.json: exchange 1: method must be GET or POST.")]
    [InlineData("""{"exchanges":[{"path":"/a","form":{}}]}""", "one/api.json: exchange 1: a GET has neither a form nor json.")]
    [InlineData("""{"exchanges":[{"path":"/a","status":99}]}""", "one/api.json: exchange 1: status must be from 200 to 599.")]
    [InlineData("""{"exchanges":[{"path":"/a","headers":{"a":"b\n"}}]}""", "one/api.json: exchange 1: a header must be one line of ASCII")]
    [InlineData("""{"exchanges":[{"path":"/a","headers":{"a b":"c"}}]}""", "one/api.json: exchange 1: a header must be one line of ASCII")]
    [InlineData("""{"exchanges":[{"path":"/a","answer":"../a.json"}]}""", "one/api.json: exchange 1: there is no file ../a.json beside it.")]
    [InlineData("""{"exchanges":[{"path":"/a"},{"path":"/a","query":{}}]}""", "one/api.json: exchange 2: an earlier exchange has the same request.")]
    [InlineData("""{"exchanges":[],"auht":{"kind":"none"}}""", "one/api.json: The JSON property 'auht' could not be mapped")]
    [InlineData("""{"exchanges":[],"auth":{"kind":"saml"}}""", "one/api.json: The JSON value could not be converted")]
    [InlineData("null", "one/api.json is null.")]
    [InlineData("", "one/api.json: The input does not contain any JSON tokens.")]
    public void An_invalid_recipe_is_reported_with_its_file(string json, string problem)
    {
        using var directory = new TemporaryDirectory();
        Write(directory, "one", json);
        var error = Assert.Throws<InvalidDataException>(() => HttpRecipe.ReadAll(directory.Path));
        Assert.StartsWith($"{directory.Path}: {problem}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_needs_recipes_with_usable_names()
    {
        using var directory = new TemporaryDirectory();
        Assert.Contains("no subdirectory", Assert.Throws<InvalidDataException>(() => HttpRecipe.ReadAll(directory.Path)).Message, StringComparison.Ordinal);
        Write(directory, "depot", """{"exchanges":[]}""");
        Assert.Contains("depot is not usable", Assert.Throws<InvalidDataException>(() => HttpRecipe.ReadAll(directory.Path)).Message, StringComparison.Ordinal);
    }

    private static Task<SandboxVisitor> StartAsync() => SandboxVisitor.StartWith(new HttpProviderOptions { Recipes = HttpRecipe.ReadAll(Recipes) });

    private static (int, int) Nested(Reply reply) => ((int)reply.Status, reply.At("status").GetInt32());

    private static void Write(TemporaryDirectory directory, string recipe, string json)
    {
        Directory.CreateDirectory(Path.Combine(directory.Path, recipe));
        File.WriteAllText(Path.Combine(directory.Path, recipe, "api.json"), json);
    }
}

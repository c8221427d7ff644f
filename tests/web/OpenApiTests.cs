using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The OpenAPI document and the API describe the same.</summary>
public sealed class OpenApiTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Slices.Repository, "internal/web/api/openapi.json"));

    private static readonly JsonElement Document = JsonElement.Parse(Text);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static IReadOnlyList<Operation> Operations { get; } =
    [
        .. from path in Document.GetProperty("paths").EnumerateObject()
           from one in path.Value.EnumerateObject()
           where one.Name != "parameters"
           select new Operation(path.Name, HttpMethod.Parse(one.Name.ToUpperInvariant()), one.Value),
    ];

    [Fact]
    public void The_document_is_valid_OpenAPI()
    {
        var read = OpenApiDocument.Parse(Text, "json");

        Assert.Empty(read.Diagnostic!.Errors.Select(error => $"{error}"));
        Assert.Empty(read.Diagnostic.Warnings.Select(warning => $"{warning}"));
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
    }

    [Fact]
    public async Task Every_endpoint_of_the_API_is_in_the_document_and_the_other_way_around()
    {
        await using var bench = await SharedBench.StartAsync();

        var mapped = from endpoint in bench.First.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                     let path = "/" + endpoint.RoutePattern.RawText!.Trim('/')
                     where ApiPaths.Contains(new PathString(path.Replace("{name}", "x", StringComparison.Ordinal)))
                     from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                     where method != HttpMethods.Head
                     select $"{method} {path}";

        Assert.Equal(Operations.Select(operation => $"{operation.Method} {operation.Path}").Order(), mapped.Order());
    }

    [Fact]
    public async Task The_document_is_served_without_a_key()
    {
        await using var bench = await SharedBench.StartAsync(keys: null);

        var reply = await bench.Send(HttpMethod.Get, "/api/openapi.json", key: null);

        Assert.Equal((HttpStatusCode.OK, "application/json", Text), (reply.Status, reply.Header("Content-Type"), reply.Body));
    }

    [Fact]
    public void The_document_has_the_limits_and_scopes_of_the_program()
    {
        var list = Operations.Single(operation => operation.Id == "listAccounts").Json;
        var limit = list.GetProperty("parameters").EnumerateArray().Single(p => p.GetProperty("name").GetString() == "limit").GetProperty("schema");
        var schemas = Document.GetProperty("components").GetProperty("schemas");

        Assert.Equal((SharedAccountQuery.MaxLimit, new SharedAccountQuery().Limit),
            (limit.GetProperty("maximum").GetInt32(), limit.GetProperty("default").GetInt32()));
        Assert.Equal(SharedAccountQuery.States, schemas.GetProperty("ListedState").GetProperty("enum").EnumerateArray().Select(s => s.GetString()!));
        Assert.Equal(SharedAccountName.MaxLength, schemas.GetProperty("Name").GetProperty("maxLength").GetInt32());
        foreach (var name in new[] { "a", "9", "a.b", "-a", "a b", "", "é", "a@b:c+d_e-f", "a/b", "a%b" })
        {
            Assert.Equal(SharedAccountName.ProblemOf(name) is null,
                System.Text.RegularExpressions.Regex.IsMatch(name, schemas.GetProperty("Name").GetProperty("pattern").GetString()!));
        }
        Assert.All(Operations.Where(operation => operation.HasKey), operation =>
            Assert.Contains(ApiScope.All, scope => operation.Json.GetProperty("summary").GetString()!.EndsWith($"Needs the scope {scope}.", StringComparison.Ordinal)));
    }

    /// <summary>Each pair of an operation and a status in the document occurs, and its body is as described.</summary>
    [Fact]
    public async Task Every_operation_answers_with_each_status_as_described()
    {
        await using var bench = await SharedBench.StartAsync();
        var answered = new HashSet<string>();
        bench.Rows.Add("none", state: "missing");
        bench.Rows.Add("lost-1", state: "lost");
        bench.Rows.Add("stuck");
        await bench.First.Accounts.OpenAsync("stuck", Cancellation);
        Directory.CreateDirectory(bench.DirectoryPath["token-stuck.json/x"]);
        bench.Rows.Add("leaving");
        await (await bench.First.Accounts.OpenAsync("leaving", Cancellation))!.LeaveAsync(Cancellation);
        const string Json = "application/json", Lines = AccountImport.MediaType;

        await Check("createAccount", 201, $$"""{"name":"home-1","template":"home","refresh_token":"{{bench.NewLogin()}}"}""");
        await Check("createAccount", 400, "[]");
        await Check("createAccount", 409, """{"name":"home-1","template":"home"}""");
        await Check("createAccount", 413, new string(' ', 20_000));
        await Check("createAccount", 415, "{}", "text/plain");
        await Check("createAccount", 422, """{"name":"home-2","template":"none"}""");
        await Check("importAccounts", 200, "{\"name\":\"home-3\",\"template\":\"home\"}\nbroken\n{\"name\":\"a b\",\"template\":\"home\"}\n", Lines);
        await Check("importAccounts", 415, "{}", Json);
        await Check("listAccounts", 200);
        await Check("listAccounts", 400, query: "?limit=x");
        await Check("findAccount", 200);
        await Check("getToken", 200);
        await Check("getToken", 409, name: "none");
        await Check("createLoginLink", 200);
        await Check("logOutAccount", 409, name: "leaving");
        await Check("logOutAccount", 502, name: "stuck");
        await Check("logOutAccount", 204);
        await Check("deleteAccount", 204);
        await Check("getDocument", 200);
        foreach (var operation in Operations.Where(operation => operation.HasKey))
        {
            if (operation.Path.Contains("{name}", StringComparison.Ordinal))
            {
                await Check(operation.Id, 404, name: "unknown");
            }
            await Check(operation.Id, 401, key: null);
            await Check(operation.Id, 403, headers: ("Origin", "null"));
            for (var i = 0; i < 10; i++)
            {
                await bench.Send(HttpMethod.Get, "/api/accounts", "wrong", headers: (WebBench.RemoteAddress, "203.0.113.9"));
            }
            await Check(operation.Id, 429, headers: (WebBench.RemoteAddress, "203.0.113.9"));
        }
        await File.WriteAllTextAsync(bench.KeysFile, "broken", Cancellation);
        foreach (var operation in Operations.Where(operation => operation.HasKey))
        {
            await Check(operation.Id, 503);
        }

        Assert.Equal(Operations.SelectMany(operation => operation.Statuses.Select(status => $"{operation.Id} {status}")).Order(), answered.Order());

        async Task Check(
            string id, int status, string? body = null, string type = Json, string name = "home-1", string query = "",
            string? key = SharedBench.Everything, params (string Name, string Value)[] headers)
        {
            var operation = Operations.Single(one => one.Id == id);
            var path = operation.Path.Replace("{name}", name, StringComparison.Ordinal) + query;
            var reply = await bench.Send(operation.Method, path, operation.HasKey ? key : null, body, type, headers);
            Assert.True(status == (int)reply.Status, $"{id}: {reply.Status} {reply.Body}");
            operation.CheckReply(reply);
            answered.Add($"{id} {status}");
        }
    }

    private sealed record Operation(string Path, HttpMethod Method, JsonElement Json)
    {
        private static readonly JsonSchema Schema = new(Document);

        public string Id => Json.GetProperty("operationId").GetString()!;

        public bool HasKey => !Json.TryGetProperty("security", out _);

        public IEnumerable<string> Statuses => Json.GetProperty("responses").EnumerateObject().Select(response => response.Name);

        public void CheckReply(Reply reply)
        {
            var response = Schema.Resolve(Json.GetProperty("responses").GetProperty($"{(int)reply.Status}"));
            if (response.TryGetProperty("headers", out var headers))
            {
                Assert.All(headers.EnumerateObject(), header => Assert.NotNull(reply.Header(header.Name)));
            }
            if (!response.TryGetProperty("content", out var content))
            {
                Assert.Equal("", reply.Body);
                return;
            }
            var type = reply.Header("Content-Type")!.Split(';')[0];
            var schema = content.GetProperty(type).GetProperty("schema");
            var bodies = type == AccountImport.MediaType ? reply.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries) : [reply.Body];
            Assert.NotEmpty(bodies);
            foreach (var body in bodies)
            {
                Schema.Check(JsonElement.Parse(body), schema);
            }
            if (type == "application/problem+json")
            {
                Assert.Equal((int)reply.Status, JsonElement.Parse(reply.Body).GetProperty("status").GetInt32());
            }
        }
    }
}

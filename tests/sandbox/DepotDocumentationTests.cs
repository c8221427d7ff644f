using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The example answers in Depot's documentation are its answers.</summary>
public sealed class DepotDocumentationTests
{
    private const string Page = "../internal/sandbox/http/README.md";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("sites", "/depot/v1/sites")]
    [InlineData("zones", "/depot/v1/sites/ath/zones")]
    [InlineData("sensors", "/depot/v1/zones/1234567890123456789/sensors")]
    [InlineData("stock", "/depot/v1/sites/ath/stock")]
    [InlineData("jobs", "/depot/v1/jobs?limit=2")]
    public async Task The_example_of_a_resource_is_its_answer(string section, string path)
    {
        await using var visitor = await SandboxVisitor.Start();
        Check(section, await visitor.Api(visitor.Http.Login().AccessToken, path));
    }

    [Fact]
    public async Task The_examples_of_the_other_ways_to_authenticate_are_their_answers()
    {
        await using var visitor = await SandboxVisitor.Start();
        Check("query", await visitor.PostForm(visitor.Http.Login().AccessToken, "/depot/v1/query", ("action", "energy")));
        Check("public", await visitor.Send(
            new HttpRequestMessage(HttpMethod.Get, "/depot/v1/public") { Headers = { { "X-Api-Key", HttpProvider.ApiKey } } }));
        Check("meters", await visitor.WithBasic(HttpMethod.Get, "/depot/v1/meters", $"{HttpProvider.User}:{HttpProvider.Password}"));
    }

    [Fact]
    public void The_page_has_the_credentials_and_the_flags()
    {
        var page = File.ReadAllText(Path.Combine(Golden.Root, Page));
        string[] expected =
        [
            HttpProvider.ServiceClientId, HttpProvider.ServiceClientSecret, HttpProvider.AppClientId, HttpProvider.User, HttpProvider.Password,
            HttpProvider.ApiKey, .. new HttpProviderOptions().Flags.Select(flag => $"`{flag.Name} {flag.Placeholder.Replace("|", "\\|", StringComparison.Ordinal)}`"),
        ];
        Assert.All(expected, text => Assert.Contains(text, page, StringComparison.Ordinal));
    }

    private static void Check(string section, Reply reply) =>
        Golden.CheckSection(Page, section, $"```json\n{JsonNode.Parse(reply.Body)!.ToJsonString(Indented)}\n```");
}

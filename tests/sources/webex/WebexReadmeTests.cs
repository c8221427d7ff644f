using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Webex;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The README lists all metrics, commands and messages of the source. These tests cause each message.</summary>
public sealed partial class WebexReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Golden.Root, "../internal/sources/webex/README.md"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>How to cause the message of each row; returns the output.</summary>
    private static readonly (string Row, Func<WebexTerminal, Task<string>> Cause)[] Problems =
    [
        ("there is no file …token-config.json", terminal => OutputAsync(terminal.WriteEnv(terminal.Provider.LoginServiceApp()), "refresh")),
        ("token-config.json is not JSON (line", terminal => WrittenAsync(terminal, "{\n", "refresh")),
        ("token-config.json has no section serviceApp", terminal => WrittenAsync(terminal, """{"tokenManager":{}}""", "refresh")),
        ("token-config.json is missing serviceApp.", terminal => WrittenAsync(terminal, """{"serviceApp":{"appId":"x"}}""", "refresh")),
        ("token-config.json still contains the placeholders", terminal =>
            OutputAsync(terminal.WriteConfig(null, ("appId", "your_service_app_id")), "check")),
        ("the integration is not used", terminal =>
            LoggedAsync(terminal, new JsonObject { ["personalAccessToken"] = "p", ["integration"] = new JsonObject { ["clientId"] = "x" } })),
        ("not logged in", terminal => OutputAsync(terminal.WriteConfig(), "refresh")),
        ("Webex rejects the personal access token", terminal => OutputAsync(terminal.WriteConfig(terminal.Manager("dead")), "refresh")),
        ("the refresh token is no longer accepted … and there is no personal access token", terminal =>
            OutputAsync(terminal.WriteConfig().WriteEnv(RejectedTokens), "refresh")),
        ("the integration: the refresh token is no longer accepted", terminal =>
            OutputAsync(terminal.WriteConfig(terminal.Manager("dead", "dead")), "refresh")),
        ("the client id or the client secret is not accepted", terminal =>
            OutputAsync(terminal.WriteConfig(null, ("clientSecret", "wrong")).WriteEnv(terminal.Provider.LoginServiceApp()), "refresh")),
        ("the integration: the client id or the client secret is not accepted", terminal =>
            OutputAsync(terminal.WriteConfig(terminal.Manager("dead", "dead", "wrong")), "refresh")),
        ("the personal access token is valid, but Webex rejects it for this service app", terminal =>
        {
            terminal.Provider.ApplicationToken.Fail(new Fault.Respond(401, "{}"));
            return OutputAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal())), "refresh");
        }),
        ("Webex rejects the service app's token", terminal =>
        {
            terminal.Provider.ListSources.Fail(new Fault.Respond(401, "{}"));
            return ListedAsync(terminal);
        }),
        ("Webex rejects serviceApp.clientId, clientSecret or targetOrgId", terminal =>
            OutputAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal()), ("clientSecret", "wrong")), "refresh")),
        ("Webex has no service app with this serviceApp.appId", terminal =>
            OutputAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal()), ("appId", "wrong")), "refresh")),
        ("lacks the scope spark:applications_token, or no full admin has authorized the service app", terminal =>
            OutputAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal("spark:people_read"))), "refresh")),
        ("has no access token", terminal =>
        {
            terminal.Provider.ApplicationToken.Fail(new Fault.Respond(200, "{}"));
            return OutputAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal())), "refresh");
        }),
        ("Webex limits the rate of requests", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.TooManyRequests("60"))),
        ("the token endpoint is not working", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.ServerError())),
        ("the token endpoint cannot be reached", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.Drop())),
        ("The service app lacks a permission", terminal => ListedAsync(terminal, new Fault.Refuse("403"))),
        ("Webex does not find the resource", terminal => ListedAsync(terminal, new Fault.Refuse("404"))),
        ("Webex rejects the request", terminal => ListedAsync(terminal, new Fault.Refuse("400"))),
        ("Webex has a problem", terminal => ListedAsync(terminal, new Fault.Refuse("500"))),
        ("Webex returned an unexpected response", terminal => ListedAsync(terminal, new Fault.Html(200))),
        ("could not be extended and expires at", NotExtendedAsync),
    ];

    public static TheoryData<string> Rows => [.. Problems.Select(problem => problem.Row)];

    private static IssuedTokens RejectedTokens => new("user", "dead-access", "dead-refresh", [], TimeSpan.Zero, TimeSpan.Zero);

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Each_problem_has_the_message_of_its_row(string row)
    {
        await using var terminal = await WebexTerminal.StartAsync();

        var output = await Problems.Single(problem => problem.Row == row).Cause(terminal);

        Assert.Matches(string.Join(".*", row.Split('…').Select(part => Regex.Escape(part.Trim()))), output);
        terminal.HasNoSecret();
    }

    [Fact]
    public void Every_row_of_the_troubleshooting_is_tested() =>
        Assert.Equal(
            Problems.Select(problem => problem.Row), ProblemRow()
            .Matches(Readme[Readme.IndexOf("## Troubleshooting", StringComparison.Ordinal)..]).Skip(2).Select(match => match.Groups[1].Value));

    [Fact]
    public async Task The_table_of_metrics_lists_all_metrics()
    {
        await using var fixture = await (await WebexFixture.StartAsync()).Configure(personal: "p").OpenAsync();
        var context = Opened.Context("webex", fixture.Time);
        var calls = new WebexCalls(context);
        using var http = new StubHttp().Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "7"));
        var counter = ApiCalls.CreateHandler();
        counter.InnerHandler = http;
        using var client = new HttpClient(counter);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("https://webexapis.com/v1/dataSources"));
        calls.Mark(request);
        (await client.SendAsync(request, Cancellation)).Dispose();
        var known =
            FamilyName().Matches(File.ReadAllText(Path.Combine(Golden.Root, "sources/webex/golden/everything.prom")))
            .Select(match => match.Groups[1].Value)
            .Concat(FamilyName().Matches(Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry))
            .Select(match => match.Groups[1].Value)).Concat(fixture.Account.Live.Select(l => l.Name));

        Assert.Equal(known.Order(), MetricRow().Matches(Readme).Select(match => match.Groups[1].Value).Order());
    }

    [Fact]
    public async Task Every_command_in_the_README_exists()
    {
        await using var terminal = await WebexTerminal.StartAsync();
        var commands = Command().Matches(Readme).Select(match => match.Groups[1].Value.TrimEnd()).Distinct().ToList();
        Assert.True(commands.Count > 10);
        foreach (var command in commands.Where(c => c != "serve"))
        {
            Assert.True(await terminal.RunAsync([.. command.Split(' '), "--help"]) == 0, $"{command}: {terminal.RecentError}");
            Assert.Equal("", terminal.RecentError);
        }
    }

    [Fact]
    public void Every_member_in_the_README_exists()
    {
        var named = Member().Matches(Readme).Select(match => (Type: match.Groups[1].Value, Member: match.Groups[2].Value)).ToList();
        var types =
            new[] { typeof(IWebexApi), typeof(WebexTokens) }.SelectMany(type => type.Assembly.GetExportedTypes()).ToDictionary(type => type.Name);

        Assert.True(named.Count >= 9);
        Assert.All(named, name => Assert.NotEmpty(types[name.Type].GetMember(name.Member)));
    }

    private static Task<string> WrittenAsync(WebexTerminal terminal, string config, string command)
    {
        terminal.Write("token-config.json", config);
        return OutputAsync(terminal, command);
    }

    private static async Task<string> OutputAsync(WebexTerminal terminal, params string[] command)
    {
        Assert.NotEqual(0, await terminal.RunAsync(command));
        return terminal.RecentError;
    }

    private static Task<string> FailingAsync(WebexTerminal terminal, ProviderEndpoint endpoint, Fault fault)
    {
        endpoint.Fail(fault);
        return OutputAsync(terminal.WriteConfig().WriteEnv(terminal.Provider.LoginServiceApp()), "refresh", "--yes");
    }

    private static Task<string> ListedAsync(WebexTerminal terminal, Fault? fault = null)
    {
        if (fault is not null)
        {
            terminal.Provider.ListSources.Fail(fault);
        }
        return OutputAsync(terminal.WriteConfig().WriteEnv(terminal.Provider.LoginServiceApp()), "webex", "data-sources", "list");
    }

    /// <summary>The exporter's log instead of a command's output.</summary>
    private static async Task<string> LoggedAsync(WebexTerminal terminal, JsonObject manager)
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.DirectoryPath.Write(
            "token-config.json", new JsonObject { ["serviceApp"] = fixture.ServiceAppSection(), ["tokenManager"] = manager }.ToJsonString());
        await fixture.OpenAsync();
        return string.Join('\n', fixture.Log.All);
    }

    private static async Task<string> NotExtendedAsync(WebexTerminal terminal)
    {
        var log = new CollectedLog();
        terminal.Sources.Add("https://voice.example.com", lifetimeMinutes: 1);
        terminal.Provider.UpdateSource.Fail(new Fault.Refuse("500"));
        var account = new ApiAccount(new Exporter.Tokens.Secret(terminal.Provider.LoginServiceApp().AccessToken), terminal.Address);
        var api = Composition.Services(terminal.Time, log).GetRequiredService<IWebexApi>();
        terminal.Time.Advance(TimeSpan.FromMinutes(1));
        await new DataSourceReader(
            api, account, new(TimeSpan.FromMinutes(5), true, TimeSpan.FromHours(2), TimeSpan.FromDays(1), []), "gateway", terminal.Time,
            log).ReadAsync(Cancellation);
        return string.Join('\n', log.All);
    }

    [GeneratedRegex(@"^\| ([^|]+) \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex ProblemRow();

    [GeneratedRegex(@"^\| `(webex_[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex FamilyName();

    [GeneratedRegex(@"`((?:I?Webex|DataSource)\w+)\.([A-Z]\w+)`")]
    private static partial Regex Member();

    /// <summary>The command words, without arguments in capitals and flags.</summary>
    [GeneratedRegex(@"`oauth-exporter ((?:[a-z][a-z-]* ?)+)")]
    private static partial Regex Command();
}

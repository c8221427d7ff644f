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

/// <summary>The slice's README says what there is: its metrics, its commands, and each message of its troubleshooting, which is brought about here.</summary>
public sealed partial class WebexReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Golden.Root, "../internal/sources/webex/README.md"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>By the message's row, what brings it about; what comes back is all that was said.</summary>
    private static readonly (string Row, Func<WebexTerminal, Task<string>> BringAbout)[] Troubles =
    [
        ("there is no file …token-config.json", terminal => SaidAsync(terminal.WriteEnv(terminal.Provider.LoginServiceApp()), "refresh")),
        ("token-config.json is not JSON (line", terminal => Written(terminal, "{\n", "refresh")),
        ("token-config.json has no section serviceApp", terminal => Written(terminal, """{"tokenManager":{}}""", "refresh")),
        ("token-config.json is missing serviceApp.", terminal => Written(terminal, """{"serviceApp":{"appId":"x"}}""", "refresh")),
        ("the integration is not used", terminal => LoggedAsync(terminal, new JsonObject { ["personalAccessToken"] = "p", ["integration"] = new JsonObject { ["clientId"] = "x" } })),
        ("not logged in", terminal => SaidAsync(terminal.WriteConfig(), "refresh")),
        ("Webex does not accept the personal access token", terminal => SaidAsync(terminal.WriteConfig(terminal.Manager("dead")), "refresh")),
        ("the refresh token is no longer accepted … and there is no personal access token", terminal => SaidAsync(terminal.WriteConfig().WriteEnv(Dead), "refresh")),
        ("the integration: the refresh token is no longer accepted", terminal => SaidAsync(terminal.WriteConfig(terminal.Manager("dead", "dead")), "refresh")),
        ("the client id or the client secret is not accepted", terminal =>
            SaidAsync(terminal.WriteConfig(null, ("clientSecret", "wrong")).WriteEnv(terminal.Provider.LoginServiceApp()), "refresh")),
        ("the integration: the client id or the client secret is not accepted", terminal => SaidAsync(terminal.WriteConfig(terminal.Manager("dead", "dead", "wrong")), "refresh")),
        ("the personal access token is good, and not accepted for this service app", terminal =>
        {
            terminal.Provider.ApplicationToken.Fail(new Fault.Respond(401, "{}"));
            return SaidAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal())), "refresh");
        }),
        ("Webex does not accept the service app's token", terminal =>
        {
            terminal.Provider.ListSources.Fail(new Fault.Respond(401, "{}"));
            return ListedAsync(terminal);
        }),
        ("Webex does not accept serviceApp.clientId, clientSecret or targetOrgId", terminal =>
            SaidAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal()), ("clientSecret", "wrong")), "refresh")),
        ("Webex knows no service app of this serviceApp.appId", terminal =>
            SaidAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal()), ("appId", "wrong")), "refresh")),
        ("lacks the scope spark:applications_token, or no full admin has authorized the service app", terminal =>
            SaidAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal("spark:people_read"))), "refresh")),
        ("no access token in Webex's answer", terminal =>
        {
            terminal.Provider.ApplicationToken.Fail(new Fault.Respond(200, "{}"));
            return SaidAsync(terminal.WriteConfig(terminal.Manager(terminal.Provider.LoginPersonal())), "refresh");
        }),
        ("Webex asks for patience", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.TooManyRequests("60"))),
        ("the token endpoint is not working", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.ServerError())),
        ("the token endpoint cannot be reached", terminal => FailingAsync(terminal, terminal.Provider.ServiceAppToken, new Fault.Drop())),
        ("The service app may not do this", terminal => ListedAsync(terminal, new Fault.Refuse("403"))),
        ("Webex has no such thing", terminal => ListedAsync(terminal, new Fault.Refuse("404"))),
        ("Webex rejects the request", terminal => ListedAsync(terminal, new Fault.Refuse("400"))),
        ("Webex has a problem of its own", terminal => ListedAsync(terminal, new Fault.Refuse("500"))),
        ("Webex's answer is not the API's", terminal => ListedAsync(terminal, new Fault.Html(200))),
        ("and could not be extended", NotExtendedAsync),
    ];

    public static TheoryData<string> Rows => [.. Troubles.Select(trouble => trouble.Row)];

    private static IssuedTokens Dead => new("dead-access", "dead-refresh", [], TimeSpan.Zero, TimeSpan.Zero);

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Each_trouble_is_told_in_the_words_of_its_row(string row)
    {
        await using var terminal = await WebexTerminal.StartAsync();

        var said = await Troubles.Single(trouble => trouble.Row == row).BringAbout(terminal);

        Assert.Matches(string.Join(".*", row.Split('…').Select(part => Regex.Escape(part.Trim()))), said);
        terminal.HasNoSecret();
    }

    [Fact]
    public void Every_row_of_the_troubleshooting_is_brought_about() =>
        Assert.Equal(Troubles.Select(trouble => trouble.Row), TroubleRow().Matches(Readme[Readme.IndexOf("## When it does not work", StringComparison.Ordinal)..]).Skip(2).Select(match => match.Groups[1].Value));

    [Fact]
    public async Task The_table_of_metrics_is_the_metrics_there_are()
    {
        await using var bench = await (await WebexBench.StartAsync()).Configure(personal: "p").OpenAsync();
        var context = Opened.Context("webex", bench.Time);
        var calls = new WebexCalls(context);
        using var http = new StubHttp().Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "7"));
        var counter = ApiCalls.CreateHandler();
        counter.InnerHandler = http;
        using var client = new HttpClient(counter);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("https://webexapis.com/v1/dataSources"));
        calls.Mark(request);
        (await client.SendAsync(request, Cancellation)).Dispose();
        var known = WebexMetrics.Names.Concat(FamilyName().Matches(Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry)).Select(match => match.Groups[1].Value)).Concat(bench.Account.Live.Select(l => l.Name));

        Assert.Equal(known.Order(), MetricRow().Matches(Readme).Select(match => match.Groups[1].Value).Order());
    }

    [Fact]
    public async Task Every_command_of_the_README_is_one()
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
    public void Every_member_that_the_README_names_is_there()
    {
        var named = Member().Matches(Readme).Select(match => (Type: match.Groups[1].Value, Member: match.Groups[2].Value)).ToList();
        var types = new[] { typeof(IWebexApi), typeof(WebexTokens) }.SelectMany(type => type.Assembly.GetExportedTypes()).ToDictionary(type => type.Name);

        Assert.True(named.Count >= 9);
        Assert.All(named, name => Assert.NotEmpty(types[name.Type].GetMember(name.Member)));
    }

    private static Task<string> Written(WebexTerminal terminal, string config, string command)
    {
        terminal.Write("token-config.json", config);
        return SaidAsync(terminal, command);
    }

    private static async Task<string> SaidAsync(WebexTerminal terminal, params string[] command)
    {
        Assert.NotEqual(0, await terminal.RunAsync(command));
        return terminal.RecentError;
    }

    private static Task<string> FailingAsync(WebexTerminal terminal, ProviderEndpoint endpoint, Fault fault)
    {
        endpoint.Fail(fault);
        return SaidAsync(terminal.WriteConfig().WriteEnv(terminal.Provider.LoginServiceApp()), "refresh", "--yes");
    }

    private static Task<string> ListedAsync(WebexTerminal terminal, Fault? fault = null)
    {
        if (fault is not null)
        {
            terminal.Provider.ListSources.Fail(fault);
        }
        return SaidAsync(terminal.WriteConfig().WriteEnv(terminal.Provider.LoginServiceApp()), "webex", "data-sources", "list");
    }

    /// <summary>What the exporter logs, in the place of what a command says.</summary>
    private static async Task<string> LoggedAsync(WebexTerminal terminal, JsonObject manager)
    {
        await using var bench = await WebexBench.StartAsync();
        bench.DirectoryPath.Write("token-config.json", new JsonObject { ["serviceApp"] = bench.ServiceAppSection(), ["tokenManager"] = manager }.ToJsonString());
        await bench.OpenAsync();
        return string.Join('\n', bench.Log.All);
    }

    private static async Task<string> NotExtendedAsync(WebexTerminal terminal)
    {
        var log = new CollectedLog();
        terminal.Sources.Add("https://voice.example.com", lifetimeMinutes: 1);
        terminal.Provider.UpdateSource.Fail(new Fault.Refuse("500"));
        var account = new ApiAccount(new Exporter.Tokens.Secret(terminal.Provider.LoginServiceApp().AccessToken), terminal.Address);
        var api = Composition.Services(terminal.Time, log).GetRequiredService<IWebexApi>();
        terminal.Time.Advance(TimeSpan.FromMinutes(1));
        await new DataSourceCensus(
            api, account, new(TimeSpan.FromMinutes(5), true, TimeSpan.FromHours(2), TimeSpan.FromDays(1), []), "gateway", terminal.Time, log).TakeAsync(Cancellation);
        return string.Join('\n', log.All);
    }

    [GeneratedRegex(@"^\| ([^|]+) \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex TroubleRow();

    [GeneratedRegex(@"^\| `(webex_[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex FamilyName();

    [GeneratedRegex(@"`((?:I?Webex|DataSource)\w+)\.([A-Z]\w+)`")]
    private static partial Regex Member();

    /// <summary>The words of a command, without its arguments in capitals and without its flags' values.</summary>
    [GeneratedRegex(@"`exporter ((?:[a-z][a-z-]* ?)+)")]
    private static partial Regex Command();
}

using System.Globalization;
using Exporter.BmwCarData;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The table of answers in the documentation, as the program classifies them. <c>UPDATE_GOLDEN=1</c> writes it.</summary>
public sealed class TokenAnswerTests
{
    private readonly ManualTime time = new();

    [Fact]
    public async Task The_documentation_has_the_outcome_of_every_answer()
    {
        var common = await RowsAsync(http => new RefreshTokenGrant(Endpoint(http), time));
        var sections = new List<string> { Table(common) };
        foreach (var (title, grant) in new (string, Func<HttpClient, IGrant>)[]
        {
            ("BMW CarData", http => new BmwLogin(
                new BmwCarDataOptions("client", [], new Uri("https://provider.example"), "mqtt.example", 9000, MqttLogging: false),
                http, () => null, time).Renewal),
            ("Webex", http => new RefreshTokenGrant(WebexError.Endpoint(
                http, new Uri("https://provider.example/token"), () => new OAuthClient("client", null), time, null, WebexError.Classify), time)),
            ("Ergani, refresh and then login", http => new ErganiGrant(
                new ErganiCredentials("user", new Secret("password"), new ErganiEnvironment("TEST", new Uri("https://provider.example/"))), http, time)),
        })
        {
            var differing = (await RowsAsync(grant)).Except(common).ToList();
            sections.Add($"## {title}: what differs\n\n{Table(differing)}");
        }

        Golden.CheckSection("../docs/token-answers.md", "answers", string.Join('\n', sections));
    }

    private static string Table(IEnumerable<string> rows) =>
        $"| HTTP | answer | outcome | next attempt | message |\n| --- | --- | --- | --- | --- |\n{string.Concat(rows)}";

    private async Task<IReadOnlyList<string>> RowsAsync(Func<HttpClient, IGrant> grant)
    {
        var rows = new List<string>();
        foreach (var answer in OddAnswer.All)
        {
            using var http = new StubHttp().Otherwise((_, _) => answer.ToResponse());
            var options = new TokenManagerOptions();
            var outcome = await grant(http.Client).RenewAsync(TokenManagerBench.Some(time), TestContext.Current.CancellationToken);
            var (meaning, next, message) = outcome switch
            {
                Renewal.Transient(var kind, var reason, var retryAfter) =>
                    ($"temporary, `{System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName($"{kind}")}`", Next(options, kind, retryAfter), reason),
                Renewal.InvalidClient(var reason) => ("client rejected, token kept", Text(options.InvalidClientRetry), reason),
                Renewal.InvalidGrant(var reason) => ("login lost", "after a login", reason),
                Renewal.Renewed => ("renewed", "before its expiry", ""),
                _ => throw new InvalidOperationException("an unknown outcome"),
            };
            rows.Add($"| {answer.Status} | {answer.Description} | {meaning} | {next} | {message.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }
        return rows;
    }

    private static string Next(TokenManagerOptions options, FailureKind kind, TimeSpan? retryAfter)
    {
        var backoff = kind == FailureKind.UnknownAnswer ? options.UnknownAnswerRetry : options.Retry;
        return retryAfter is { } wait
            ? Text(wait < TimeSpan.FromHours(1) ? wait : TimeSpan.FromHours(1))
            : $"back-off up to {Text(backoff.Longest)}";
    }

    private static string Text(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0} h") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min");

    private TokenEndpoint Endpoint(HttpClient http) =>
        new(http, new Uri("https://provider.example/token"), new OAuthClient("client", new Secret("secret")), time)
        {
            ErrorMembers = new(Description: "message"),
        };
}

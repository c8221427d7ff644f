using System.Globalization;
using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tokens;

namespace Exporter.Toy;

/// <summary>The smallest source that has everything: settings, a token, a reading, a metric and a unit.</summary>
public sealed class ToySource : ISource
{
    private static readonly Setting<string> ClientId = Exporter.Accounts.Settings.Text("client_id", "Client id of the toy.", flag: "--toy-client-id", variable: "TOY_CLIENT_ID");

    private static readonly Setting<Uri> Api = Exporter.Accounts.Settings.Address("api_url", "Base address of the toy.", flag: "--toy-api-url", variable: "TOY_API_URL");

    public string Name => "toy";

    public SourceSettings Settings { get; } = new("toy", [ClientId, Api]);

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section)
    {
        var (client, api) = (section.Require(ClientId) ?? "", section.Require(Api) ?? new Uri("about:blank"));
        return context => Open(client, api, context);
    }

    private Account Open(string client, Uri api, AccountContext context)
    {
        var (http, logger) = (context.TokenHttp, context.Logging.CreateLogger(Name));
        var endpoint = new TokenEndpoint(http, new Uri(api, "/toy/token"), new OAuthClient(client, null), context.Time);
        var manager = context.CreateTokenManager(new RefreshTokenGrant(endpoint, context.Time));
        var poller = new Poller<string>(
            context.Name,
            async cancellationToken =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api, "/toy/level"));
                request.Headers.Authorization = new("Bearer", (await manager.GetTokenAsync(cancellationToken))?.AccessToken?.Reveal());
                using var answer = await http.SendAsync(request, cancellationToken);
                return await answer.Content.ReadAsStringAsync(cancellationToken);
            },
            (level, _) => new ReadingMetrics([MetricFamily.Gauge("toy_tank_level_furlongs", "Level of the toy.", double.Parse(level, CultureInfo.InvariantCulture))], null),
            (level, _) => new Presentation(new ReadingCard("Tank",
                new ReadingLine("Level", new ReadingValue.Number(double.Parse(level, CultureInfo.InvariantCulture), "fur"), IsPlotted: true))),
            new ReadingFormat<string>(Name, (json, level) => json.WriteStringValue(level), json => json.GetString()),
            manager,
            new PollerOptions(TimeSpan.FromMinutes(1)),
            context.Time,
            logger);
        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Provider = "Toy",
        };
    }
}

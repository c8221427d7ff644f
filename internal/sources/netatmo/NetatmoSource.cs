using Microsoft.Extensions.DependencyInjection;
using Refit;

namespace Exporter.Netatmo;

/// <summary>Netatmo weather stations and Home Coaches.</summary>
public sealed class NetatmoSource : ISource
{
    /// <summary>Netatmo sometimes rejects a valid refresh token for a while (netatmo-exporter, issue 60).</summary>
    private static readonly IReadOnlyList<TimeSpan> RejectionRetries =
        [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromHours(1)];

    private const string LegacyTokenFile = "/var/lib/netatmo-exporter/netatmo-token.json";

    internal const string SourceName = "netatmo";

    public string Name => SourceName;

    public bool IsDefault => true;

    /// <summary>The token file of netatmo-exporter's image if it exists, so that users keep their login when they migrate.</summary>
    public Func<DefaultTokenFile, string> ChooseTokenFile =>
        file => !file.HasAccountLabel && File.Exists(LegacyTokenFile) ? LegacyTokenFile : file.InStateDirectory;

    public SourceSettings Settings => NetatmoOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public void AddServices(IServiceCollection services) =>
        services.AddApiClient<INetatmoApi>(Name, NetatmoJson.Default, NetatmoResponses.RejectsTokenAsync);

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = NetatmoOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(NetatmoOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("netatmo"));
        var endpoint = new TokenEndpoint(
            context.TokenHttp, new Uri(options.Api, "/oauth2/token"), new OAuthClient(options.ClientId, options.ClientSecret), time);
        var manager = context.CreateTokenManager(
            new RefreshTokenGrant(endpoint, time), options: context.TokenOptions with { RejectionRetries = RejectionRetries });

        var (api, account) = (context.Services.GetRequiredService<INetatmoApi>(), new ApiAccount(manager, options.Api));
        var metrics = new NetatmoMetricsOptions(options.AgeStale, options.Location);
        var poller = new Poller<NetatmoReading>(
            context.Name,
            cancellationToken => PollAsync(api, account, options, context, cancellationToken),
            (reading, now) => new ReadingMetrics([.. NetatmoMetrics.From(reading, metrics, now)], NetatmoMetrics.StaleAt(reading, metrics, now))
            {
                Notice = NoticeOf(reading, options),
            },
            (reading, now) => NetatmoPresentation.Of(reading, metrics, now),
            NetatmoReading.Format(options.Location),
            manager,
            new PollerOptions(options.RefreshInterval) { Series = context.Series },
            time,
            logger);

        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Provider = "Netatmo",
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(endpoint, new Uri(options.Api, "/oauth2/authorize"), options.Scopes)),
            Live = NetatmoStatus.Live(options.RefreshInterval, () => poller.Reading?.Stations, time),
            DebugData = () => poller.Reading?.ToJson(options.Location),
        };
    }

    private static string? NoticeOf(NetatmoReading reading, NetatmoOptions options) => reading switch
    {
        { Modules.Count: 0 } => "The Netatmo account has no weather stations. Check that it is the right account."
            + (options.HomeCoaches ? "" : " For Home Coaches, set home_coaches.")
            + (options.Favourites ? "" : " For favourites, which are stations of other users, set favourites."),
        { Unreadable: > 0 } => $"Netatmo's response contains modules in an unknown format, which are not exported: {reading.Unreadable}.",
        _ => null,
    };

    /// <summary>Reads stations and Home Coaches. If either request fails, there is no reading, because modules would disappear.</summary>
    private static async Task<Result<NetatmoReading, ApiFailure>> PollAsync(
        INetatmoApi api, ApiAccount account, NetatmoOptions options, AccountContext context, CancellationToken cancellationToken)
    {
        List<(string Scope, Func<Task<IApiResponse<NetatmoResponse>>> Send)> requests = [];
        if (options.Stations)
        {
            requests.Add(("read_station", () => api.GetStationsData(account, options.Favourites ? "true" : "false", cancellationToken)));
        }
        if (options.HomeCoaches)
        {
            requests.Add(("read_homecoach", () => api.GetHomeCoachsData(account, cancellationToken)));
        }
        var responses = new List<StationsData>();
        foreach (var (scope, send) in requests)
        {
            var (data, failure) = NetatmoResponses.Read(await send(), scope, context.Time);
            if (failure is not null)
            {
                return failure;
            }
            responses.Add(data!);
        }
        return NetatmoReading.From(responses, context.Series);
    }
}

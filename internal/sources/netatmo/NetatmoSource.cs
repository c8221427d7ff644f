using System.Collections.Frozen;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Netatmo;

/// <summary>Netatmo's weather stations and Home Coaches.</summary>
public sealed class NetatmoSource : ISource
{
    /// <summary>The names of netatmo-exporter's metrics end in these units.</summary>
    private static readonly FrozenDictionary<string, string> Units = new Dictionary<string, string>
    {
        ["db"] = "dB",
        ["degrees"] = "°",
        ["hectopascals"] = "hPa",
        ["kph"] = "km/h",
        ["mb"] = "mbar",
        ["mm"] = "mm",
        ["percent"] = "%",
        ["ppm"] = "ppm",
    }.ToFrozenDictionary();

    private const string FormerTokenFile = "/var/lib/netatmo-exporter/netatmo-token.json";

    public string Name => "netatmo";

    public bool IsDefault => true;

    /// <summary>The file of netatmo-exporter's image is used where it is, so that changing over keeps the login.</summary>
    public Func<UnnamedTokenFile, string> PickTokenFile => file => !file.Labelled && File.Exists(FormerTokenFile) ? FormerTokenFile : file.InStateFolder;

    public SourceSettings Settings => NetatmoOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = NetatmoOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(NetatmoOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("netatmo"));
        var tokenHttp = TokenEndpoint.CreateHttp();
        var endpoint = new TokenEndpoint(tokenHttp, new Uri(options.Api, "/oauth2/token"), new OAuthClient(options.ClientId, options.ClientSecret), time);
        var keeper = new Keeper(context.Name, new RefreshTokenGrant(endpoint, time), context.Store, context.Keeping, time, logger);

        var apiHttp = new HttpClient(new TokenHandler(keeper, NetatmoAnswer.RefusesToken).Over(ApiResilience.CreateHandler(time))) { BaseAddress = options.Api, Timeout = Timeout.InfiniteTimeSpan };
        var api = new NetatmoApi(apiHttp, time);
        var shown = new NetatmoMetricsOptions(options.AgeStale, options.Location);
        var poller = new Poller<NetatmoReading>(
            context.Name,
            cancellation => PollAsync(api, options, cancellation),
            (reading, now) => new Exposed([.. NetatmoMetrics.From(reading, shown, now)], NetatmoMetrics.StaleAt(reading, shown, now)),
            keeper,
            new PollerOptions(options.RefreshInterval),
            time,
            logger);

        return new Account(context.Name, Name, context.Labelled, keeper, poller)
        {
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(endpoint, new Uri(options.Api, "/oauth2/authorize"), options.Scopes)),
            Live = NetatmoStatus.Live(moment => StatusOf(moment.Feed!, moment.Token.State.Token, options, time.GetUtcNow())),
            Units = Units,
            DebugData = () => poller.Reading?.ToJson(options.Location),
            Owned = [apiHttp, tokenHttp],
        };
    }

    private static NetatmoStatus StatusOf(FeedStatus feed, Token? token, NetatmoOptions options, DateTimeOffset now) => new(
        feed.Up, options.RefreshInterval, feed.LastTry, feed.LastDuration, feed.ReadAt, token?.IsUsable(now) == true, token?.ExpiresAt);

    /// <summary>Stations and Home Coaches are two questions and one reading: half an answer would let modules vanish.</summary>
    private static async Task<ApiAnswer<NetatmoReading>> PollAsync(NetatmoApi api, NetatmoOptions options, CancellationToken cancellation)
    {
        var answers = new List<StationsData>();
        if (options.Stations)
        {
            switch (await api.GetStationsData(options.Favourites, cancellation))
            {
                case ApiAnswer<StationsData>.Failed(var failure):
                    return new ApiAnswer<NetatmoReading>.Failed(failure);
                case ApiAnswer<StationsData>.Success(var stations):
                    answers.Add(stations);
                    break;
            }
        }
        if (options.HomeCoaches)
        {
            switch (await api.GetHomeCoachsData(cancellation))
            {
                case ApiAnswer<StationsData>.Failed(var failure):
                    return new ApiAnswer<NetatmoReading>.Failed(failure);
                case ApiAnswer<StationsData>.Success(var coaches):
                    answers.Add(coaches);
                    break;
            }
        }
        return new ApiAnswer<NetatmoReading>.Success(NetatmoReading.From([.. answers]));
    }
}

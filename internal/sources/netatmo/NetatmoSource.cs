using System.Collections.Frozen;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

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
    public Func<DefaultTokenFile, string> ChooseTokenFile => file => !file.HasAccountLabel && File.Exists(FormerTokenFile) ? FormerTokenFile : file.InStateDirectory;

    public SourceSettings Settings => NetatmoOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public void AddServices(IServiceCollection services) => services.AddApiClient<INetatmoApi>(Name, NetatmoJson.Default, NetatmoAnswer.RefusesToken);

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = NetatmoOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(NetatmoOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("netatmo"));
        var endpoint = new TokenEndpoint(context.TokenHttp, new Uri(options.Api, "/oauth2/token"), new OAuthClient(options.ClientId, options.ClientSecret), time);
        var manager = new TokenManager(context.Name, new RefreshTokenGrant(endpoint, time), context.Store, context.TokenOptions, time, logger);

        var (api, account) = (context.Services.GetRequiredService<INetatmoApi>(), new ApiAccount(manager, options.Api));
        var shown = new NetatmoMetricsOptions(options.AgeStale, options.Location);
        var poller = new Poller<NetatmoReading>(
            context.Name,
            cancellationToken => PollAsync(api, account, options, time, cancellationToken),
            (reading, now) => new ReadingMetrics([.. NetatmoMetrics.From(reading, shown, now)], NetatmoMetrics.StaleAt(reading, shown, now)),
            manager,
            new PollerOptions(options.RefreshInterval),
            time,
            logger);

        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(endpoint, new Uri(options.Api, "/oauth2/authorize"), options.Scopes)),
            Live = NetatmoStatus.Live(moment => StatusOf(moment.ReadingStatus!, moment.Token.State.Token, options, time.GetUtcNow())),
            Units = Units,
            DebugData = () => poller.Reading?.ToJson(options.Location),
        };
    }

    private static NetatmoStatus StatusOf(ReadingStatus feed, Token? token, NetatmoOptions options, DateTimeOffset now) => new(
        feed.Up, options.RefreshInterval, feed.LastTry, feed.LastDuration, feed.ReadAt, token?.IsUsable(now) == true, token?.ExpiresAt);

    /// <summary>Stations and Home Coaches are two questions and one reading: half an answer would let modules vanish.</summary>
    private static async Task<PollResult<NetatmoReading>> PollAsync(INetatmoApi api, ApiAccount account, NetatmoOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var answers = new List<StationsData>();
        if (options.Stations)
        {
            var response = await api.GetStationsData(account, options.Favourites ? "true" : "false", cancellationToken);
            if (Taken(NetatmoAnswer.Read(response, "read_station", time), answers) is { } failure)
            {
                return failure;
            }
        }
        if (options.HomeCoaches)
        {
            var response = await api.GetHomeCoachsData(account, cancellationToken);
            if (Taken(NetatmoAnswer.Read(response, "read_homecoach", time), answers) is { } failure)
            {
                return failure;
            }
        }
        return new PollResult<NetatmoReading>.Success(NetatmoReading.From([.. answers]));
    }

    /// <summary>Adds a good answer to the others; why there is none otherwise.</summary>
    private static ApiFailure? Taken(PollResult<StationsData> answer, List<StationsData> answers)
    {
        if (answer is PollResult<StationsData>.Success(var data))
        {
            answers.Add(data);
        }
        return (answer as PollResult<StationsData>.Failed)?.Failure;
    }
}

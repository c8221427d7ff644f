using Microsoft.Extensions.DependencyInjection;

namespace Exporter.BmwCarData;

/// <summary>Cars of BMW and MINI, from BMW CarData.</summary>
public sealed class BmwCarDataSource : ISource
{
    internal const string SourceName = "bmw-cardata";

    public string Name => SourceName;

    public SourceSettings Settings => BmwCarDataOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new BmwTokenManagerFormat(), new CarDataClientFormat(time.LocalTimeZone)];

    /// <summary>The defaults of BmwTokenManager, so that its users need no flags.</summary>
    public KeepDefaults Keep { get; } = new("token.json", TimeSpan.FromSeconds(120), "oauth-exporter keep -t /var/lib/bmw/token.json -m 300")
    {
        MarginVariable = "BMW_REFRESH_MARGIN",
    };

    public IReadOnlyList<SourceCommand> Commands => BmwCommands.All;

    public void AddServices(IServiceCollection services) =>
        services.AddApiClient<IBmwApi>(Name, BmwApiJson.Default, BmwResponses.RejectsTokenAsync);

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = BmwCarDataOptions.Read(section);
        return context => Open(options with { Series = context.Series }, context);
    }

    private Account Open(BmwCarDataOptions options, AccountContext context)
    {
        TokenManager? manager = null;
        var login = new BmwLogin(options, context.TokenHttp, () => manager?.Snapshot.State.Token, context.Time);
        var logger = context.Logging.CreateLogger(Name);
        manager = context.CreateTokenManager(login.Renewal);
        var stream = new BmwStream(context.Name, options, manager, context.Time, logger);
        var rest = options.Rest ? BmwRest.Open(options, manager, context, logger) : null;
        var values = context.KeepsFiles
            ? new BmwValuesFile(BmwValuesFile.PathOf(context.StateDirectory, context.Name), context.Time, logger)
            : null;
        var feed = new BmwFeed(options, stream, values, context.Time, rest);
        return new Account(context.Name, Name, context.HasAccountLabel, manager, feed)
        {
            Provider = "BMW",
            Login = new LoginMethod.Device(login.Device),
            Commands = new BmwCommands(options, manager, stream).Handlers,
            Live = rest?.Budget is not { } budget ? [] :
            [
                new("bmw_api_quota_limit", "Maximum requests of this account to BMW's CarData API in 24 hours.", MetricKind.Gauge,
                    _ => options.RestDailyCalls),
                new("bmw_api_quota_used", "Requests to BMW's CarData API in the last 24 hours.", MetricKind.Gauge, _ => budget.Used)
                {
                    IsOfProcess = true,
                },
            ],
        };
    }
}

using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>Webex service apps: a token that is renewed through four levels, and data sources.</summary>
public sealed class WebexSource : ISource
{
    internal const string SourceName = "webex";

    public string Name => SourceName;

    public SourceSettings Settings => WebexOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new DotEnvTokenFormat()];

    public IReadOnlyList<SourceCommand> Commands => DataSourceCommands.All;

    public void AddServices(IServiceCollection services) => services.AddWebexApi();

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = WebexOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(WebexOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger(Name));
        foreach (var warning in options.Config.Warnings())
        {
            logger.LogWarning("account {Account}: {Warning}", context.Name, warning);
        }
        var login = context.HasAccountLabel ? $"exporter login {context.Name}" : "exporter login";
        var calls = new WebexCalls(context);
        var chain = new WebexTokenChain(
            new(context.Name, options.Config, options.Integration, options.Api, options.RedirectUri, options.Scopes, login),
            options.TokenFile is { } file ? context.WithTokenExport(new FileStore(file, TokenFormats(time), time)) : context.Store,
            new FileStore(options.Config.Path, [new TokenConfigFormat()], time), context.TokenOptions, context.TokenHttp, time, logger, calls.Mark);
        var account = new ApiAccount(chain.ServiceApp, options.Api) { Calls = calls };
        var api = context.Services.GetRequiredService<IWebexApi>();
        var reader = new DataSourceReader(api, account, options.Data, context.Name, time, logger, context.Series);
        var poller = new Poller<WebexReading>(
            context.Name, reader.ReadAsync, (reading, _) => new ReadingMetrics([.. WebexMetrics.From(reading)], null), chain.ServiceApp,
            new PollerOptions(options.Data.RefreshInterval) { Series = context.Series }, time, logger);
        return new Account(context.Name, Name, context.HasAccountLabel, chain.ServiceApp, poller)
        {
            Upstream = [chain.Personal],
            Levels = chain.Levels.At,
            Live = LiveValues(chain, time),
            Login = options.HasIntegration ? new LoginMethod.Redirect(chain.Login) : new LoginMethod.Paste(),
            AdoptAsync = chain.AdoptAsync,
            Paste = new PastedToken("personal access token", chain.TryAsync),
            Commands = DataSourceCommands.For(api, account),
            DebugData = () => poller.Reading?.ToJson(),
        };
    }

    private static IReadOnlyList<LiveValue> LiveValues(WebexTokenChain chain, TimeProvider time) =>
    [
        new("webex_token_levels_left",
            "Ways left to renew the service app's token without you: its own refresh token, the personal access token, the integration.",
            MetricKind.Gauge, account => chain.Levels.CountLeft(account.Token.State, time.GetUtcNow())),
        new("webex_personal_token_expiry_timestamp_seconds", "When the personal access token expires, if known.",
            MetricKind.Gauge, _ => Seconds(chain.Personal.Snapshot.State.Token?.ExpiresAt)),
        new("webex_integration_token_expiry_timestamp_seconds", "When the integration's refresh token expires, if known.",
            MetricKind.Gauge, _ => Seconds(chain.Personal.Snapshot.State.Token?.RefreshExpiresAt)),
    ];

    private static double? Seconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;
}

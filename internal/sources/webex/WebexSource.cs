using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>Webex service apps: a token kept through four levels.</summary>
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
        foreach (var gap in options.Config.Gaps())
        {
            logger.LogWarning("account {Account}: {Gap}", context.Name, gap);
        }
        var login = context.HasAccountLabel ? $"exporter login {context.Name}" : "exporter login";
        var calls = new WebexCalls(context);
        var chain = new WebexChain(
            new WebexChainParts(context.Name, options.Config, options.Integration, options.Api, options.RedirectUri, options.Scopes, login),
            options.TokenFile is { } file ? context.WithTokenExport(new FileStore(file, TokenFormats(time), time)) : context.Store,
            new FileStore(options.Config.Path, [new TokenConfigFormat()], time),
            context.TokenOptions,
            context.TokenHttp,
            time,
            logger,
            calls.Mark);
        var account = new ApiAccount(chain.ServiceApp, options.Api) { Calls = calls };
        var data = DataSources.Open(context.Services.GetRequiredService<IWebexApi>(), account, options.Data, context);
        return new Account(context.Name, Name, context.HasAccountLabel, chain.ServiceApp, data.Feed)
        {
            Upstream = [chain.Personal],
            Levels = chain.Levels.At,
            Live = Live(chain, time),
            Login = options.HasIntegration ? new LoginMethod.Redirect(chain.Login) : new LoginMethod.Paste(),
            AdoptAsync = chain.AdoptAsync,
            Paste = new PastedToken("personal access token", chain.TryAsync),
            Commands = data.Commands,
            DebugData = data.DebugData,
        };
    }

    private static IReadOnlyList<LiveValue> Live(WebexChain chain, TimeProvider time) =>
    [
        new("webex_token_levels_left", "Ways to the service app's token that are left before a person is needed: its own refresh token, the personal access token, the integration.",
            MetricKind.Gauge, moment => chain.Levels.Count(moment.Token.State, time.GetUtcNow())),
        new("webex_personal_token_expiry_timestamp_seconds", "When the personal access token ends, where that is known.", MetricKind.Gauge, _ => Seconds(chain.Personal.Snapshot.State.Token?.ExpiresAt)),
        new("webex_integration_token_expiry_timestamp_seconds", "When the integration's refresh token ends, where that is known.", MetricKind.Gauge, _ => Seconds(chain.Personal.Snapshot.State.Token?.RefreshExpiresAt)),
    ];

    private static double? Seconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;
}

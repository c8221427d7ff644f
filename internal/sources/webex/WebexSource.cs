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
        var (time, logger, config) = (context.Time, context.Logging.CreateLogger(Name), options.Tokens.Config);
        foreach (var warning in config.Warnings())
        {
            logger.LogWarning("account {Account}: {Warning}", context.Name, warning);
        }
        var calls = new WebexCalls(context);
        var tokens = new WebexTokens(options.Tokens with
        {
            Account = context.Name,
            LoginCommand = context.HasAccountLabel ? $"oauth-exporter login {context.Name}" : "oauth-exporter login",
            Store = options.TokenFile is { } file ? context.WithTokenExport(new FileStore(file, TokenFormats(time), time)) : context.Store,
            TokenOptions = context.TokenOptions,
            Http = context.TokenHttp,
            Prepare = calls.Mark,
        }, time, context.Logging);
        var account = new ApiAccount(tokens.ServiceApp, options.Tokens.Api) { Calls = calls };
        var api = context.Services.GetRequiredService<IWebexApi>();
        var reader = new DataSourceReader(api, account, options.Data, context.Name, time, logger, context.Series);
        var poller = new Poller<WebexReading>(
            context.Name, reader.ReadAsync, (reading, _) => new ReadingMetrics([.. WebexMetrics.From(reading)], null),
            WebexPresentation.Of, SavedWebexReading.Format(reader.Memory), tokens.ServiceApp,
            new PollerOptions(options.Data.RefreshInterval) { Series = context.Series }, time, logger);
        // Without an integration there is no login by browser.
        var hasIntegration = (options.Tokens.Integration ?? config.Integration()) is not null;
        return new Account(context.Name, Name, context.HasAccountLabel, tokens.ServiceApp, poller)
        {
            Provider = "Webex",
            SharingProblem = "Webex needs several tokens",
            Upstream = [tokens.Personal],
            Levels = tokens.LevelsAt,
            Live =
            [
                new("webex_token_levels_left",
                    "Ways left to renew the service app's token without you: its own refresh token, the personal access token, the integration.",
                    MetricKind.Gauge, snapshot => tokens.CountLevelsLeft(snapshot.Token.State, time.GetUtcNow())),
                new("webex_personal_token_expiry_timestamp_seconds", "When the personal access token expires, if known.",
                    MetricKind.Gauge, _ => WebexMetrics.Seconds(tokens.Personal.Snapshot.State.Token?.ExpiresAt)),
                new("webex_integration_token_expiry_timestamp_seconds", "When the integration's refresh token expires, if known.",
                    MetricKind.Gauge, _ => WebexMetrics.Seconds(tokens.Personal.Snapshot.State.Token?.RefreshExpiresAt)),
            ],
            Login = hasIntegration ? new LoginMethod.Redirect(tokens.Login) : new LoginMethod.Paste(),
            AdoptAsync = tokens.AdoptAsync,
            FindPersonsAsync = async (token, cancellationToken) =>
            {
                var (before, after) = await tokens.FindPersonsAsync(token, cancellationToken);
                return new Persons(before, after);
            },
            Paste = new PastedToken("personal access token", tokens.TryAsync),
            Commands = new DataSourceCommands(api, account).Handlers,
            DebugData = () => poller.Reading?.ToJson(),
        };
    }
}

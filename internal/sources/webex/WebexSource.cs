using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>Webex service apps: a token kept through four levels.</summary>
public sealed class WebexSource : ISource
{
    public string Name => "webex";

    public SourceSettings Settings => WebexOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new DotEnvTokenFormat()];

    public IReadOnlyList<SourceCommand> Commands => DataSourceCommands.All;

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
        var login = context.Labelled ? $"exporter login {context.Name}" : "exporter login";
        var calls = new WebexCalls(context);
        var chain = new WebexChain(
            new WebexChainParts(context.Name, options.Config, options.Integration, options.Api, options.RedirectUri, options.Scopes, login),
            options.TokenFile is { } file ? context.WithSink(new FileStore(file, TokenFormats(time), time)) : context.Store,
            new FileStore(options.Config.Path, [new TokenConfigFormat()], time),
            context.Keeping,
            time,
            logger,
            around: calls.CreateHandler());
        var data = DataSources.Open(options.Api, options.Data, calls, chain.ServiceApp, context);
        return new Account(context.Name, Name, context.Labelled, chain.ServiceApp, data.Feed)
        {
            Beneath = [chain.Personal],
            Levels = chain.Levels.At,
            Live = chain.Levels.Live,
            Login = options.HasIntegration ? new LoginMethod.Redirect(chain.Login) : new LoginMethod.Paste(),
            AdoptAsync = chain.AdoptAsync,
            Paste = new PastedToken("personal access token", chain.TryAsync),
            Commands = data.Commands,
            DebugData = data.DebugData,
            Owned = [data.Http, chain],
        };
    }
}

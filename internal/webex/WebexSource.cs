using Exporter.Sources;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>Webex service apps.</summary>
public sealed class WebexSource : ISource
{
    public string Name => "webex";

    public SourceSettings Settings => WebexOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats { get; } = [new PlainTokenFormat()];

    public IReadOnlyList<SourceCommand> Commands => DataSourceCommands.All;

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = WebexOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(WebexOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("webex"));
        var calls = WebexCalls.Create(time);
        var tokenHttp = TokenEndpoint.CreateHttp(calls.CreateHandler());
        var endpoint = new TokenEndpoint(tokenHttp, new Uri(options.Api, "/v1/access_token"), new OAuthClient(options.ClientId, options.ClientSecret), time);
        var keeper = new Keeper(context.Name, new RefreshTokenGrant(endpoint, time), context.Store, context.Keeping, time, logger);
        var data = DataSources.Open(options.Api, options.Data, calls, keeper, context);
        return new Account(context.Name, Name, context.Labelled, keeper, data.Feed) { Commands = data.Commands, DebugData = data.DebugData, Owned = [data.Http, tokenHttp] };
    }
}

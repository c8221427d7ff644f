using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>What an account does with its token: readings, and commands.</summary>
internal sealed record DataSources(
    IFeed Feed, IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Commands, Func<byte[]?> DebugData, HttpClient Http)
{
    /// <param name="calls">Counts what the token's own calls are counted with, too.</param>
    public static DataSources Open(Uri address, WebexDataOptions options, ApiCalls calls, Keeper keeper, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("webex"));
        // Innermost, so that each retry is counted as the call it is.
        var network = ApiResilience.CreateHandler(time);
        network.InnerHandler = calls.CreateHandler().Over(network.InnerHandler!);
        var http = WebexApi.CreateHttp(address, new TokenHandler(keeper), network);
        var api = new WebexApi(http, time, keeper);
        var census = new DataSourceCensus(api, options, context.Name, time, logger);
        var poller = new Poller<WebexReading>(
            context.Name, census.TakeAsync, (reading, _) => new Exposed([.. WebexMetrics.From(reading)], null), keeper, new PollerOptions(options.RefreshInterval), time, logger);
        return new(poller, DataSourceCommands.Of(api), () => poller.Reading?.ToJson(), http);
    }
}

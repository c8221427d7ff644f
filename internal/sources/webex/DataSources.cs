using Exporter.Accounts;

namespace Exporter.Webex;

/// <summary>What an account does with its token: readings, and commands.</summary>
internal sealed record DataSources(IReadingSource Feed, IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Commands, Func<byte[]?> DebugData)
{
    public static DataSources Open(IWebexApi api, ApiAccount account, WebexDataOptions options, AccountContext context)
    {
        var (time, logger) = (context.Time, context.Logging.CreateLogger("webex"));
        var census = new DataSourceCensus(api, account, options, context.Name, time, logger);
        var poller = new Poller<WebexReading>(
            context.Name, census.TakeAsync, (reading, _) => new ReadingMetrics([.. WebexMetrics.From(reading)], null), account.TokenManager!, new PollerOptions(options.RefreshInterval), time, logger);
        return new(poller, DataSourceCommands.Of(api, account), () => poller.Reading?.ToJson());
    }
}

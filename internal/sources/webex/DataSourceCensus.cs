using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>Takes a reading of the data sources, and extends those that are due, where that is asked for. Not thread-safe: the poller takes one at a time.</summary>
internal sealed class DataSourceCensus(IWebexApi api, ApiAccount account, WebexDataOptions options, string name, TimeProvider time, ILogger logger)
{
    /// <summary>Schemas hardly change.</summary>
    private static readonly TimeSpan SchemasLast = TimeSpan.FromDays(1);

    private readonly HashSet<string> warned = [];
    private ExtensionCounts extensions = ExtensionCounts.None;
    private (IReadOnlyList<WebexSchema> List, DateTimeOffset At)? schemas;
    private bool schemasMissing;
    private Deadline? patience;

    public async Task<PollResult<WebexReading>> TakeAsync(CancellationToken cancellationToken)
    {
        if (await SourcesAsync(cancellationToken) is var answer && answer is not PollResult<IReadOnlyList<WebexDataSource>>.Success(var sources))
        {
            return ((PollResult<IReadOnlyList<WebexDataSource>>.Failed)answer).Failure;
        }
        var current = options.Extend ? await ExtendedAsync(sources, cancellationToken) : sources;
        return new PollResult<WebexReading>.Success(new WebexReading(current, await SchemasAsync(cancellationToken), extensions));
    }

    /// <summary>The list, and where it says less than a reading needs, each source by itself.</summary>
    private async Task<PollResult<IReadOnlyList<WebexDataSource>>> SourcesAsync(CancellationToken cancellationToken)
    {
        var listed = WebexAnswer.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, time);
        if (listed is not PollResult<IReadOnlyList<WebexDataSource>>.Success(var sources))
        {
            return listed;
        }
        var full = new List<WebexDataSource>();
        foreach (var source in sources)
        {
            if (source.Id.Length == 0 || (source.Status is not null && source.TokenEndsAt is not null))
            {
                full.Add(source);
                continue;
            }
            switch (WebexAnswer.Read(await api.GetDataSourceAsync(account, source.Id, cancellationToken), account, time))
            {
                case PollResult<WebexDataSource>.Success(var details):
                    full.Add(details);
                    break;
                case PollResult<WebexDataSource>.Failed(ApiFailure.Rejected):
                    // Deleted meanwhile, or nothing more is to be had: the list's word stands.
                    full.Add(source);
                    break;
                case PollResult<WebexDataSource>.Failed(var failure):
                    return failure;
            }
        }
        return new PollResult<IReadOnlyList<WebexDataSource>>.Success(full);
    }

    private async Task<IReadOnlyList<WebexDataSource>> ExtendedAsync(IReadOnlyList<WebexDataSource> sources, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var current = new List<WebexDataSource>();
        foreach (var source in sources)
        {
            if (IsMeant(source))
            {
                extensions = extensions.WithKnown(source.Id);
            }
            current.Add(IsMeant(source) && IsDue(source, now) && patience?.IsDue(time) != false ? await ExtendAsync(source, cancellationToken) : source);
        }
        return current;
    }

    private bool IsMeant(WebexDataSource source) => source.Id.Length > 0 && (options.ExtendOnly.Count == 0 || options.ExtendOnly.Contains(source.Id));

    private bool IsDue(WebexDataSource source, DateTimeOffset now) => source.TokenEndsAt - now is { } left && left <= options.MarginOf(LifeOf(source));

    /// <summary>By the token itself, else as it is configured.</summary>
    private TimeSpan LifeOf(WebexDataSource source) => source.Claims is { EndsAt: { } end, IssuedAt: { } issued } && end > issued ? end - issued : options.ExtendLifetime;

    /// <summary>The source as it is then; as it was, where it could not be extended.</summary>
    private async Task<WebexDataSource> ExtendAsync(WebexDataSource source, CancellationToken cancellationToken)
    {
        switch (await api.ExtendDataSourceAsync(account, source.Id, options.ExtendLifetime, time, cancellationToken))
        {
            case PollResult<WebexDataSource>.Success(var extended):
                extensions = extensions.WithDone(source.Id);
                warned.Remove(source.Id);
                logger.LogInformation("account {Account}: data source {Id} is extended until {End:u}", name, Sanitize.Line(source.Id), extended.TokenEndsAt);
                return extended;
            case PollResult<WebexDataSource>.Failed(var failure):
                extensions = extensions.WithFailed(source.Id, failure.Kind);
                if (failure is ApiFailure.RateLimited)
                {
                    // For the others too: who asks for patience is not asked for the next at once.
                    patience = Deadline.Of(time.GetUtcNow() + (failure.RetryAfter ?? options.RefreshInterval), time);
                }
                // Said loudly once, and at every try again: its end comes nearer.
                logger.Log(warned.Add(source.Id) ? LogLevel.Error : LogLevel.Warning,
                    "account {Account}: data source {Id} ends at {End:u} and could not be extended: {Reason}", name, Sanitize.Line(source.Id), source.TokenEndsAt, failure.Reason);
                return source;
            default:
                throw new InvalidOperationException("an answer is good or not");
        }
    }

    /// <summary>Schemas only say more about a source: without them there is a reading all the same.</summary>
    private async Task<IReadOnlyList<WebexSchema>?> SchemasAsync(CancellationToken cancellationToken)
    {
        if (schemas is { } known && time.GetUtcNow() - known.At < SchemasLast)
        {
            return known.List;
        }
        switch (WebexAnswer.Read(await api.ListSchemasAsync(account, cancellationToken), account, time))
        {
            case PollResult<IReadOnlyList<WebexSchema>>.Success(var list):
                (schemas, schemasMissing) = ((list, time.GetUtcNow()), false);
                break;
            case PollResult<IReadOnlyList<WebexSchema>>.Failed(var failure) when !schemasMissing:
                schemasMissing = true;
                logger.LogWarning("account {Account}: the schemas are not known: {Reason}", name, failure.Reason);
                break;
        }
        return schemas?.List;
    }
}

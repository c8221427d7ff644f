using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>Reads the data sources, and extends those that are due if extensions are enabled. Not thread-safe.</summary>
internal sealed class DataSourceReader(
    IWebexApi api, ApiAccount account, WebexDataOptions options, string name, TimeProvider time, ILogger logger, SeriesLimit? limit = null)
{
    /// <summary>Schemas rarely change.</summary>
    private static readonly TimeSpan SchemaLifetime = TimeSpan.FromDays(1);

    private readonly HashSet<string> failing = [];
    private ExtensionCounts extensions = ExtensionCounts.None;
    private (IReadOnlyList<WebexSchema> List, DateTimeOffset At)? schemas;
    private bool schemasMissing;
    private Deadline? rateLimit;

    public async Task<PollResult<WebexReading>> ReadAsync(CancellationToken cancellationToken)
    {
        var result = await ReadDataSourcesAsync(cancellationToken);
        if (result is not PollResult<IReadOnlyList<WebexDataSource>>.Success(var sources))
        {
            return ((PollResult<IReadOnlyList<WebexDataSource>>.Failed)result).Failure;
        }
        var current = options.Extend ? await ExtendDueAsync(sources, cancellationToken) : sources;
        return new PollResult<WebexReading>.Success(new WebexReading(current, await ReadSchemasAsync(cancellationToken), extensions));
    }

    /// <summary>Reads the list, and each source that the list describes incompletely.</summary>
    private async Task<PollResult<IReadOnlyList<WebexDataSource>>> ReadDataSourcesAsync(CancellationToken cancellationToken)
    {
        var listed = WebexResponse.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, time);
        if (listed is not PollResult<IReadOnlyList<WebexDataSource>>.Success(var sources))
        {
            return listed;
        }
        if ((limit ?? SeriesLimit.Default).Check(sources.Count, "at least ") is { } tooMany)
        {
            return tooMany;
        }
        var complete = new List<WebexDataSource>();
        foreach (var source in sources)
        {
            if (source.Id.Length == 0 || source is { Status: not null, TokenExpiresAt: not null })
            {
                complete.Add(source);
                continue;
            }
            switch (WebexResponse.Read(await api.GetDataSourceAsync(account, source.Id, cancellationToken), account, time))
            {
                case PollResult<WebexDataSource>.Success(var details):
                    complete.Add(details);
                    break;
                case PollResult<WebexDataSource>.Failed(ApiFailure.Rejected):
                    // Deleted in the meantime, or not readable: use the list's entry.
                    complete.Add(source);
                    break;
                case PollResult<WebexDataSource>.Failed(var failure):
                    return failure;
            }
        }
        return new PollResult<IReadOnlyList<WebexDataSource>>.Success(complete);
    }

    private async Task<IReadOnlyList<WebexDataSource>> ExtendDueAsync(
        IReadOnlyList<WebexDataSource> sources, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var current = new List<WebexDataSource>();
        foreach (var source in sources)
        {
            var isSelected = source.Id.Length > 0 && (options.ExtendOnly.Count == 0 || options.ExtendOnly.Contains(source.Id));
            extensions = isSelected ? extensions.WithZeros(source.Id) : extensions;
            var extend = isSelected && source.TokenExpiresAt - now <= options.MarginFor(LifetimeOf(source)) && rateLimit?.IsDue(time) != false;
            current.Add(extend ? await ExtendAsync(source, cancellationToken) : source);
        }
        return current;
    }

    private TimeSpan LifetimeOf(WebexDataSource source) => source.Claims is { ExpiresAt: { } expiry, IssuedAt: { } issued } && expiry > issued
        ? expiry - issued
        : options.ExtendLifetime;

    /// <returns>The extended source, or <paramref name="source"/> if the extension failed.</returns>
    private async Task<WebexDataSource> ExtendAsync(WebexDataSource source, CancellationToken cancellationToken)
    {
        var result = await api.ExtendDataSourceAsync(account, source.Id, options.ExtendLifetime, time, cancellationToken);
        if (result is PollResult<WebexDataSource>.Success(var extended))
        {
            extensions = extensions.WithSuccess(source.Id);
            failing.Remove(source.Id);
            logger.LogInformation(
                "account {Account}: extended data source {Id} until {Expiry:u}", name, Sanitize.Line(source.Id), extended.TokenExpiresAt);
            return extended;
        }
        var failure = ((PollResult<WebexDataSource>.Failed)result).Failure;
        extensions = extensions.WithFailure(source.Id, failure.Kind);
        if (failure is ApiFailure.RateLimited)
        {
            // The limit applies to the remaining sources too.
            rateLimit = Deadline.Of(time.GetUtcNow() + (failure.RetryAfter ?? options.RefreshInterval), time);
        }
        logger.Log(failing.Add(source.Id) ? LogLevel.Error : LogLevel.Warning,
            "account {Account}: data source {Id} could not be extended and expires at {Expiry:u}: {Reason}",
            name, Sanitize.Line(source.Id), source.TokenExpiresAt, failure.Reason);
        return source;
    }

    /// <summary>Schemas only add labels: a failure to read them does not fail the reading.</summary>
    private async Task<IReadOnlyList<WebexSchema>?> ReadSchemasAsync(CancellationToken cancellationToken)
    {
        if (schemas is { } cached && time.GetUtcNow() - cached.At < SchemaLifetime)
        {
            return cached.List;
        }
        switch (WebexResponse.Read(await api.ListSchemasAsync(account, cancellationToken), account, time))
        {
            case PollResult<IReadOnlyList<WebexSchema>>.Success(var list):
                (schemas, schemasMissing) = ((list, time.GetUtcNow()), false);
                break;
            case PollResult<IReadOnlyList<WebexSchema>>.Failed(var failure) when !schemasMissing:
                schemasMissing = true;
                logger.LogWarning("account {Account}: the schemas could not be read: {Reason}", name, failure.Reason);
                break;
        }
        return schemas?.List;
    }
}

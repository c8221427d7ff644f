using System.Text.Json;
using Microsoft.Extensions.Logging;
using Refit;

namespace Exporter.Webex;

/// <summary>Reads the data sources, and extends those that are due if extensions are enabled. Not thread-safe.</summary>
internal sealed class DataSourceReader(
    IWebexApi api, ApiAccount account, WebexDataOptions options, string name, TimeProvider time, ILogger logger, SeriesLimit? limit = null)
{
    /// <summary>Schemas rarely change.</summary>
    private static readonly TimeSpan SchemaLifetime = TimeSpan.FromDays(1);

    private HashSet<string> failing = [];
    private ExtensionCounts extensions = ExtensionCounts.None;
    private (IReadOnlyList<WebexSchema> List, DateTimeOffset At)? schemas;
    private bool schemasMissing;
    private Deadline? rateLimit;

    /// <summary>The counts, the schemas, the rate limit, and what was logged.</summary>
    public PollMemory Memory => new(
        writer => JsonSerializer.Serialize(
            writer,
            new WebexMemory(SavedExtensions.Of(extensions), schemas?.List, schemas?.At, schemasMissing, [.. failing], rateLimit?.At),
            SavedWebexJson.Default.WebexMemory),
        json => Restore(json.Deserialize(SavedWebexJson.Default.WebexMemory) ?? throw new JsonException()));

    /// <summary>Reads the list, and each source that the list describes incompletely.</summary>
    public async Task<Result<WebexReading, ApiFailure>> ReadAsync(CancellationToken cancellationToken)
    {
        var (listed, failure) = await SendAsync(api.ListDataSourcesAsync(account, cancellationToken));
        if (listed is null)
        {
            return failure!;
        }
        if ((limit ?? SeriesLimit.Default).Check(listed.Count, "at least ") is { } tooMany)
        {
            return tooMany;
        }
        var sources = new List<WebexDataSource>();
        foreach (var source in listed)
        {
            var isComplete = source.Id.Length == 0 || source is { Status: not null, TokenExpiresAt: not null };
            (var details, failure) = isComplete ? source : await SendAsync(api.GetDataSourceAsync(account, source.Id, cancellationToken));
            if (failure is not (null or ApiFailure.Rejected))
            {
                return failure;
            }
            // If it was rejected, it was deleted in the meantime, or is not readable: use the list's entry.
            sources.Add(details ?? source);
        }
        var current = options.Extend ? await ExtendDueAsync(sources, cancellationToken) : sources;
        return new WebexReading(current, await ReadSchemasAsync(cancellationToken), extensions);
    }

    private void Restore(WebexMemory memory)
    {
        // What can fail comes first, so that nothing changes then.
        var (counts, list, ids) = (
            memory.Extensions.ToCounts(), ReadingFormat.WithoutNull(memory.Schemas ?? []), ReadingFormat.WithoutNull(memory.Failing));
        extensions = counts;
        schemas = memory is { Schemas: not null, SchemasAt: { } at } ? (list, at) : null;
        schemasMissing = memory.SchemasMissing;
        failing = [.. ids];
        rateLimit = memory.RateLimit is { } until ? Deadline.Of(until, time) : null;
    }

    private async Task<Result<T, ApiFailure>> SendAsync<T>(Task<IApiResponse<T>> sending) where T : class =>
        WebexResponse.Read(await sending, account, time);

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
        var (extended, failure) = await api.ExtendDataSourceAsync(account, source.Id, options.ExtendLifetime, time, cancellationToken);
        if (failure is null)
        {
            extensions = extensions.WithSuccess(source.Id);
            failing.Remove(source.Id);
            logger.LogInformation(
                "account {Account}: extended data source {Id} until {Expiry:u}", name, Sanitize.Line(source.Id), extended!.TokenExpiresAt);
            return extended;
        }
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
        var (list, failure) = await SendAsync(api.ListSchemasAsync(account, cancellationToken));
        if (list is not null)
        {
            (schemas, schemasMissing) = ((list, time.GetUtcNow()), false);
        }
        else if (!schemasMissing)
        {
            schemasMissing = true;
            logger.LogWarning("account {Account}: the schemas could not be read: {Reason}", name, failure!.Reason);
        }
        return schemas?.List;
    }
}

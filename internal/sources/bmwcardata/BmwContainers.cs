using System.Text.Json;
using Microsoft.Extensions.Logging;
using Refit;

namespace Exporter.BmwCarData;

/// <summary>
/// Looks up the exporter's container, and creates it without the keys that BMW does not have. BMW rejects a list with a single unknown key.
/// </summary>
internal sealed class BmwContainers(IBmwApi api, BmwAccount account, TimeProvider time, ILogger logger)
{
    /// <summary>Identifies the container together with the purpose. Other <see cref="BmwKeys.Container"/> need another name.</summary>
    public const string Name = "exporter-1";

    /// <inheritdoc cref="Name"/>
    public const string Purpose = "values after a start";

    /// <summary>How many lists to try before a pause, so that the other requests of the day stay possible.</summary>
    private const int MaximumTries = 8;

    /// <summary>The lists to try, in this order. BMW never gets a rejected list again.</summary>
    private readonly Queue<IReadOnlyList<string>> lists = new([BmwKeys.Container]);

    /// <summary>Why BMW rejected the last list.</summary>
    private ApiFailure? rejection;

    /// <summary>Reuses the container if it exists: BMW allows ten, does not merge equal ones, and counts a deleted one for 29 days.</summary>
    public async Task<Result<Container, ApiFailure>> GetAsync(CancellationToken cancellationToken)
    {
        if (lists.Count == 0)
        {
            return rejection!;
        }
        var (containers, error) = await account.SendAsync(
            () => api.GetContainers(account, cancellationToken), Container.List, time, cancellationToken);
        if (containers is null)
        {
            return error!;
        }
        if (containers.FirstOrDefault(c => c is { Name: Name, Purpose: Purpose, State: null or "ACTIVE" }) is { } existing)
        {
            return existing;
        }
        for (var tries = 0; tries < MaximumTries && lists.TryPeek(out var keys); tries++)
        {
            IApiResponse<JsonElement>? response = null;
            var request = new NewContainer(Name, Purpose, keys);
            (var container, error) = await account.SendAsync(
                async () => response = await api.CreateContainer(account, request, cancellationToken), Container.From, time, cancellationToken);
            if (container is not null)
            {
                return container;
            }
            if (response is null || BmwResponses.UnknownKeys(response, keys) is not { } unknown)
            {
                return error!;
            }
            rejection = error!;
            lists.Dequeue();
            Shorten(keys, unknown);
        }
        return rejection!;
    }

    /// <summary>Leaves out the keys that BMW named. If it named none, either half can be free of unknown keys.</summary>
    private void Shorten(IReadOnlyList<string> keys, IReadOnlyList<string> unknown)
    {
        if (unknown.Count == 0)
        {
            logger.LogWarning("BMW does not have one of {Count} keys and does not name it; the exporter tries parts of the list", keys.Count);
        }
        else
        {
            logger.LogWarning("BMW does not have {Keys}; the exporter reads the other last values without it", string.Join(", ", unknown));
        }
        var size = unknown.Count > 0 ? keys.Count : (keys.Count + 1) / 2;
        foreach (var list in keys.Except(unknown).Chunk(size).Where(list => list.Length < keys.Count))
        {
            lists.Enqueue(list);
        }
    }
}

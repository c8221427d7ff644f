using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>Reads the configured counts, one after another. Not thread-safe.</summary>
internal sealed class ErganiReader(
    IErganiApi api, ApiAccount account, IReadOnlyList<ErganiCount> counts, string name, TimeProvider time, ILogger logger)
{
    private HashSet<ErganiCount> reported = [];

    /// <summary>The counts that were reported, so that another process does not report them again.</summary>
    public PollMemory Memory => new(
        writer => JsonSerializer.Serialize(writer, [.. reported], ErganiReadingJson.Default.IReadOnlyListErganiCount),
        json => reported = [.. json.Deserialize(ErganiReadingJson.Default.IReadOnlyListErganiCount) ?? []]);

    /// <summary>
    /// Omits a count that Ergani rejects, and logs that once. Any other failure fails the reading, because a missing series would look like
    /// a rejected count. If Ergani rejects every count, the reading fails.
    /// </summary>
    public async Task<Result<ErganiReading, ApiFailure>> ReadAsync(CancellationToken cancellationToken)
    {
        var (reading, succeeded, rejected) = (new ErganiReading(), 0, (ApiFailure?)null);
        foreach (var count in counts)
        {
            switch (await ReadAsync(reading, count, cancellationToken))
            {
                case { Failure: null, Value: { } next } when next == reading:
                    succeeded++;
                    Report(count, "Ergani's response does not contain it.");
                    break;
                case { Failure: null, Value: { } next }:
                    (reading, succeeded) = (next, succeeded + 1);
                    reported.Remove(count);
                    break;
                case { Failure: ApiFailure.Rejected failure }:
                    rejected = failure;
                    Report(count, failure.Reason);
                    break;
                case var failed:
                    return failed;
            }
        }
        return succeeded == 0 && rejected is not null ? rejected : reading;
    }

    private void Report(ErganiCount count, string reason)
    {
        if (reported.Add(count))
        {
            logger.LogWarning("account {Account}: there is no count of {Count}: {Reason}", name, ErganiReading.CountNames[(int)count], reason);
        }
    }

    private async Task<Result<ErganiReading, ApiFailure>> ReadAsync(ErganiReading reading, ErganiCount count, CancellationToken cancellationToken) =>
        count switch
        {
            ErganiCount.Submissions => Map(ErganiResponse.Read(await api.GetSubmissionsAsync(account, cancellationToken), time),
                list => reading with { Submissions = list.Count }),
            ErganiCount.Services => Map(ErganiResponse.Read(await api.GetServicesAsync(account, cancellationToken), time),
                list => reading with { Services = list.Count }),
            ErganiCount.Employer => Map(await ExecuteAsync("EX_BASE_01", cancellationToken),
                result => reading with { InCardSector = ErganiReading.InCardSectorOf(result.Json) }),
            ErganiCount.Branches => Map(await ExecuteAsync("EX_BASE_02", cancellationToken),
                result => reading with { Branches = ErganiReading.CountOf(result.Json, "EX_BASE_02", "Pararthma") }),
            ErganiCount.Workforce => Map(await ExecuteAsync("EX_BASE_05", cancellationToken),
                result => reading with { Workforce = ErganiReading.WorkforceOf(result.Json) }),
            _ => throw new InvalidOperationException("unknown count"),
        };

    private async Task<Result<ErganiServiceResult, ApiFailure>> ExecuteAsync(string service, CancellationToken cancellationToken) =>
        ErganiResponse.Read(await api.ExecuteServiceAsync(account, new ErganiServiceCall(service, []), cancellationToken), time);

    private static Result<ErganiReading, ApiFailure> Map<T>(Result<T, ApiFailure> result, Func<T, ErganiReading> map) =>
        result.Failure is { } failure ? failure : map(result.Value!);
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>What may be counted. Each is one call.</summary>
internal enum ErganiCount
{
    Submissions,
    Services,
    Employer,
    Branches,
    Workforce,
}

/// <summary>What Ergani last said, as counts and nothing else: what it tells besides is about people. Null is what was not asked for or is not allowed.</summary>
/// <param name="Workforce">Employees by the serial number of their branch; 0 is the seat.</param>
internal sealed record ErganiReading(
    int? Submissions = null, int? Services = null, bool? InCardSector = null, int? Branches = null, IReadOnlyDictionary<int, int>? Workforce = null)
{
    public static int? CountOf(JsonElement answer, string service, string list) => Listed(answer, service, list)?.Count();

    public static bool? InCardSectorOf(JsonElement answer) =>
        Listed(answer, "EX_BASE_01", "Ergodotis")?.Select(employer => ErganiAnswer.Text(employer, "IsInCardSector")).FirstOrDefault() switch
        {
            "1" => true,
            "0" => false,
            _ => null,
        };

    /// <summary>Whose branch is no number counts to none: a text from outside becomes no label.</summary>
    public static IReadOnlyDictionary<int, int>? WorkforceOf(JsonElement answer) => Listed(answer, "EX_BASE_05", "Cur")?
        .CountBy(employee => int.TryParse(ErganiAnswer.Text(employee, "PararthmaAa"), NumberStyles.None, CultureInfo.InvariantCulture, out var branch) ? branch : -1)
        .ToDictionary();

    /// <summary>The reading for <c>/debug/data</c>.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ErganiReadingJson.Default.ErganiReading);

    /// <summary>The objects of a service's list, which is no list but the object itself when there is one.</summary>
    private static IEnumerable<JsonElement>? Listed(JsonElement answer, string service, string list) =>
        ErganiAnswer.Member(answer, service) is { } body && ErganiAnswer.Member(body, list) is { } found
            ? found.ValueKind switch
            {
                JsonValueKind.Array => found.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object),
                JsonValueKind.Object => [found],
                JsonValueKind.Null => [],
                _ => null,
            }
            : null;
}

/// <summary>Takes a reading: one call for each count that is asked for, one after the other.</summary>
internal sealed class ErganiCensus(IErganiApi api, ApiAccount account, IReadOnlyList<ErganiCount> asked, string name, TimeProvider time, ILogger logger)
{
    private readonly HashSet<ErganiCount> told = [];

    /// <summary>
    /// What the account may not read is left out, and said once; with any other failure there is no reading, because series that come and
    /// go say something else. When nothing may be read, that is the failure.
    /// </summary>
    public async Task<PollResult<ErganiReading>> TakeAsync(CancellationToken cancellationToken)
    {
        var (reading, taken, rejected) = (new ErganiReading(), 0, (ApiFailure?)null);
        foreach (var count in asked)
        {
            switch (await TakeAsync(reading, count, cancellationToken))
            {
                case PollResult<ErganiReading>.Success(var fuller):
                    (reading, taken) = (fuller, taken + 1);
                    told.Remove(count);
                    break;
                case PollResult<ErganiReading>.Failed(ApiFailure.Rejected failure):
                    rejected = failure;
                    if (told.Add(count))
                    {
                        logger.LogWarning("account {Account}: there is no count of {Count}: {Reason}", name, ErganiOptions.NameOf(count), failure.Reason);
                    }
                    break;
                case var failed:
                    return failed;
            }
        }
        return taken == 0 && rejected is not null ? rejected : new PollResult<ErganiReading>.Success(reading);
    }

    private async Task<PollResult<ErganiReading>> TakeAsync(ErganiReading reading, ErganiCount count, CancellationToken cancellationToken) => count switch
    {
        ErganiCount.Submissions => Then(ErganiAnswer.Read(await api.GetSubmissionsAsync(account, cancellationToken), time), list => reading with { Submissions = list.Count }),
        ErganiCount.Services => Then(ErganiAnswer.Read(await api.GetServicesAsync(account, cancellationToken), time), list => reading with { Services = list.Count }),
        ErganiCount.Employer => Then(await AskAsync("EX_BASE_01", cancellationToken), answer => reading with { InCardSector = ErganiReading.InCardSectorOf(answer.Json) }),
        ErganiCount.Branches => Then(await AskAsync("EX_BASE_02", cancellationToken), answer => reading with { Branches = ErganiReading.CountOf(answer.Json, "EX_BASE_02", "Pararthma") }),
        ErganiCount.Workforce => Then(await AskAsync("EX_BASE_05", cancellationToken), answer => reading with { Workforce = ErganiReading.WorkforceOf(answer.Json) }),
        _ => throw new InvalidOperationException("nothing else is counted"),
    };

    private async Task<PollResult<ErganiServiceAnswer>> AskAsync(string service, CancellationToken cancellationToken) =>
        ErganiAnswer.Read(await api.ExecuteServiceAsync(account, new ErganiServiceCall(service, []), cancellationToken), time);

    private static PollResult<ErganiReading> Then<T>(PollResult<T> answer, Func<T, ErganiReading> add) => answer switch
    {
        PollResult<T>.Success(var value) => new PollResult<ErganiReading>.Success(add(value)),
        PollResult<T>.Failed(var failure) => failure,
        _ => throw new InvalidOperationException("an answer is good or not"),
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ErganiReading))]
internal sealed partial class ErganiReadingJson : JsonSerializerContext;

using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Accounts;

/// <summary>The JSON of a <see cref="SavedReading"/>. Sources whose readings are not polled use it too.</summary>
public static class SavedReadingJson
{
    private const int Version = 1;

    /// <summary>Memories contain answers as the provider wrote them, and <see cref="Tokens.Json"/> reads those leniently.</summary>
    private static readonly JsonDocumentOptions Lenient =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 512 };

    /// <param name="reading">Writes one JSON value; null before the first reading.</param>
    public static byte[] Write(string source, ReadingStatus status, Action<Utf8JsonWriter>? reading) => Write(source, writer =>
    {
        writer.WritePropertyName("status");
        JsonSerializer.Serialize(writer, SavedStatus.Of(status), SavedStatusJson.Default.SavedStatus);
        WriteMember(writer, "reading", reading);
    });

    /// <summary>The status and the reading; the reading is null before the first, and its JSON was not checked.</summary>
    public static Result<SavedParts, string> Read(SavedReading saved, string source)
    {
        var (top, problem) = Parse(saved.Json, source);
        if (problem is not null)
        {
            return new(null, $"The saved reading {problem}, so its status starts again.");
        }
        try
        {
            var status = Json.Member(top, "status")?.Deserialize(SavedStatusJson.Default.SavedStatus)?.ToStatus() ?? throw new JsonException();
            return new SavedParts(status, Json.Member(top, "reading") is { ValueKind: not JsonValueKind.Null } reading ? reading : null);
        }
        catch (Exception e) when (IsDamage(e))
        {
            return new(null, "The status of the saved reading is damaged, so it starts again.");
        }
    }

    /// <summary>Whether reading JSON of an unexpected shape throws it.</summary>
    public static bool IsDamage(Exception e) =>
        e is JsonException or InvalidOperationException or FormatException or ArgumentException or OverflowException;

    internal static byte[] WriteMemory(string source, Action<Utf8JsonWriter> memory) =>
        Write(source, writer => WriteMember(writer, "memory", memory));

    /// <summary>The memory, or why it cannot be used.</summary>
    internal static Result<JsonElement?, string> ReadMemory(ReadOnlyMemory<byte> saved, string source)
    {
        var (top, problem) = Parse(saved, source);
        return problem is not null ? new(null, $"The saved memory of polls {problem}")
            : Json.Member(top, "memory") is { ValueKind: not JsonValueKind.Null } memory ? new(memory, null)
            : new(null, "The saved memory of polls is empty");
    }

    private static byte[] Write(string source, Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v", Version);
            writer.WriteString("source", source);
            members(writer);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteMember(Utf8JsonWriter writer, string name, Action<Utf8JsonWriter>? write)
    {
        writer.WritePropertyName(name);
        if (write is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            write(writer);
        }
    }

    private static Result<JsonElement, string> Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        try
        {
            var top = JsonElement.Parse(utf8.Span, Lenient);
            return top.ValueKind != JsonValueKind.Object ? new(default, "is damaged")
                : Json.Number(Json.Member(top, "v")) is not Version ? new(default, "has a version of another program")
                : Json.Text(Json.Member(top, "source")) != source ? new(default, $"is not one of the source {source}")
                : new(top, null);
        }
        catch (JsonException)
        {
            return new(default, "is damaged");
        }
    }
}

/// <param name="Reading">Null before the first reading.</param>
public sealed record SavedParts(ReadingStatus Status, JsonElement? Reading);

/// <summary>A <see cref="ReadingStatus"/> as JSON.</summary>
internal sealed record SavedStatus
{
    public bool Up { get; init; }
    public DateTimeOffset? LastTry { get; init; }
    public TimeSpan? LastDuration { get; init; }
    public DateTimeOffset? ReadAt { get; init; }
    public DateTimeOffset? NextTry { get; init; }
    public SavedFailure? Failure { get; init; }
    public string? Notice { get; init; }
    public long Tries { get; init; }
    public int FailuresInARow { get; init; }
    public IReadOnlyDictionary<string, long>? Failures { get; init; }

    public static SavedStatus Of(ReadingStatus status) => new()
    {
        Up = status.Up,
        LastTry = status.LastTry,
        LastDuration = status.LastDuration,
        ReadAt = status.ReadAt,
        NextTry = status.NextTry,
        Failure = status.Failure is { } failure ? SavedFailure.Of(failure) : null,
        Notice = status.Notice,
        Tries = status.Tries,
        FailuresInARow = status.FailuresInARow,
        Failures = status.Failures.Count > 0 ? status.Failures : null,
    };

    /// <exception cref="JsonException">The failure is of a kind that this program does not have.</exception>
    public ReadingStatus ToStatus() => new()
    {
        Up = Up,
        LastTry = LastTry,
        LastDuration = LastDuration,
        ReadAt = ReadAt,
        NextTry = NextTry,
        Failure = Failure?.ToFailure(),
        Notice = Notice,
        Tries = Tries,
        FailuresInARow = Math.Max(0, FailuresInARow),
        Failures = Failures?.ToImmutableSortedDictionary() ?? ImmutableSortedDictionary<string, long>.Empty,
    };
}

/// <summary>An <see cref="ApiFailure"/> as JSON.</summary>
internal sealed record SavedFailure(string Kind, string Reason, string? Scope = null, TimeSpan? RetryAfter = null)
{
    public static SavedFailure Of(ApiFailure failure) =>
        new(failure.Kind, failure.Reason, (failure as ApiFailure.MissingScope)?.Scope, failure.RetryAfter);

    /// <exception cref="JsonException">It is of a kind that this program does not have.</exception>
    public ApiFailure ToFailure() => Of(Kind) with { RetryAfter = RetryAfter < TimeSpan.Zero ? TimeSpan.Zero : RetryAfter };

    private ApiFailure Of(string kind) => kind switch
    {
        "no_token" => new ApiFailure.NoToken(Reason),
        "token_refused" => new ApiFailure.TokenRefused(Reason),
        "missing_scope" => new ApiFailure.MissingScope(Reason, Scope ?? ""),
        "rate_limited" => new ApiFailure.RateLimited(Reason),
        "unavailable" => new ApiFailure.Unavailable(Reason),
        "rejected" => new ApiFailure.Rejected(Reason),
        _ => throw new JsonException("The kind of failure is unknown."),
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SavedStatus))]
[JsonSerializable(typeof(SavedFailure))]
internal sealed partial class SavedStatusJson : JsonSerializerContext;

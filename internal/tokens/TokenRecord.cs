using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Tokens;

/// <summary>What the last renewal of a token ended with, if it failed.</summary>
public enum RecordedState
{
    /// <summary>It may succeed later.</summary>
    [JsonStringEnumMemberName("failing")]
    Failing,

    /// <summary>The provider rejected the client, its secret or its scope.</summary>
    [JsonStringEnumMemberName("refused")]
    Refused,

    /// <summary>A user must log in.</summary>
    [JsonStringEnumMemberName("lost")]
    Lost,
}

/// <summary>
/// Why the renewals of a token fail. A store keeps it beside the token, so that a command can show it when no exporter responds. It contains
/// no secret, and no renewal depends on it. Immutable.
/// </summary>
/// <param name="Error">The last failure as a sentence.</param>
/// <param name="Since">When the state began.</param>
/// <param name="NextAttempt">When the process that wrote the record tries again; null if it does not.</param>
public sealed record TokenRecord(RecordedState State, string Error, DateTimeOffset Since, DateTimeOffset? NextAttempt)
{
    private const int LongestError = 1000;

    /// <summary>Null if the last renewal succeeded, or if there was none.</summary>
    public static TokenRecord? Of(TokenSnapshot snapshot, DateTimeOffset? nextAttempt, DateTimeOffset now) => snapshot switch
    {
        { State: TokenState.Lost(_, var reason, var since) } => new(RecordedState.Lost, reason, since, nextAttempt),
        { State: TokenState.InvalidClient(_, var reason, _) } => new(RecordedState.Refused, reason, now, nextAttempt),
        { State: TokenState.Active { FailedRenewals: > 0 }, History.LastError: { } error } => new(RecordedState.Failing, error, now, nextAttempt),
        // A grant that needs no token.
        { State: TokenState.Missing, IsUnknown: false, History: { LastAttempt: not null, LastError: { } error } } when nextAttempt is not null =>
            new(RecordedState.Failing, error, now, nextAttempt),
        _ => null,
    };

    /// <summary>A snapshot that was only read from the store, as the process that renewed the token last saw it.</summary>
    public TokenSnapshot ApplyTo(TokenSnapshot snapshot, DateTimeOffset now)
    {
        var (token, next) = (snapshot.State.Token, NextAttempt > now ? NextAttempt : null);
        TokenState state = State switch
        {
            RecordedState.Lost => new TokenState.Lost(token, Error, Since) { RetryAt = next },
            RecordedState.Refused => new TokenState.InvalidClient(token, Error, next ?? DateTimeOffset.MaxValue),
            _ => snapshot.State is TokenState.Active active ? active with { RenewAt = next ?? active.RenewAt, FailedRenewals = 1 } : snapshot.State,
        };
        return snapshot with { State = state, History = snapshot.History with { LastError = Error } };
    }

    /// <summary>Whether the two differ only in times that change with each attempt.</summary>
    internal bool IsRepeatedBy(TokenRecord later) => State == later.State && Error == later.Error;

    /// <param name="stamp">Identifies the content of the store that the record belongs to. Only its beginning is written.</param>
    internal byte[] ToBytes(string? stamp, DateTimeOffset now) => [.. JsonSerializer.SerializeToUtf8Bytes(
        new Content(State, Error, Since, NextAttempt, Prefix(stamp), now), RecordJson.Default.Content), (byte)'\n'];

    /// <summary>Null if the record belongs to other content of the store, or if it is damaged.</summary>
    internal static TokenRecord? Parse(ReadOnlySpan<byte> content, string? stamp)
    {
        try
        {
            return JsonSerializer.Deserialize(content, RecordJson.Default.Content) is { Error: { } error } read && read.Token == Prefix(stamp)
                ? new TokenRecord(read.State, Sanitize.Line(error, LongestError), read.Since, read.NextAttempt)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Prefix(string? stamp) => stamp is null ? "" : stamp[..Math.Min(16, stamp.Length)];

    /// <param name="Token">The beginning of a hash of the token file; empty if there was none.</param>
    internal sealed record Content(
        RecordedState State, string? Error, DateTimeOffset Since, DateTimeOffset? NextAttempt, string? Token, DateTimeOffset WrittenAt);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TokenRecord.Content))]
internal sealed partial class RecordJson : JsonSerializerContext;

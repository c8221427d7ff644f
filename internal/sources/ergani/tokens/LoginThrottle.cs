using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// Limits logins, so that neither a restart loop nor a wrong password locks the user. It records the last login, the number of consecutive
/// logins, and rejected credentials.
/// </summary>
/// <remarks>
/// Every login reads the file again, because other processes write it too; the token manager's lock serializes their logins. An unreadable
/// record counts as empty.
/// </remarks>
internal sealed class LoginThrottle(ErganiCredentials credentials, string? file, TimeProvider time, ILogger? logger)
{
    private const int LargestRecord = 64 * 1024;

    private static readonly TimeSpan FirstWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWindow = TimeSpan.FromHours(1);

    /// <summary>The lifetime of an access token. Logins that are further apart are not consecutive.</summary>
    private static readonly TimeSpan ConsecutiveWithin = TimeSpan.FromHours(3);

    private LoginState memory = new();
    private bool fileFailed;

    /// <summary>Why a login is not allowed now; null if it is.</summary>
    public Renewal? Check()
    {
        var state = Load();
        var now = time.GetUtcNow();
        if (state.Refusal is { } reason && IsForTheseCredentials(state))
        {
            var alternative = file is null ? "" : $", or remove {file}";
            return new Renewal.InvalidClient($"{reason}; change username, password or user type{alternative}: there is no other login before that");
        }
        // After the clock is set back, wait no longer than a window.
        return state.NextAt > now && state.LastAt is { } last && last <= now
            ? new Renewal.Transient(
                FailureKind.RateLimited, $"the last login was at {last:u}, and the next is not sent before {state.NextAt:u}", state.NextAt - now)
            : null;
    }

    /// <summary>Call before sending a login: it counts even if the process does not receive the response.</summary>
    public void RecordLogin()
    {
        var (state, now) = (Load(), time.GetUtcNow());
        var count = state.LastAt > now - ConsecutiveWithin && state.LastAt <= now ? state.Count + 1 : 1;
        var window = TimeSpan.FromTicks(Math.Min(LongestWindow.Ticks, FirstWindow.Ticks << Math.Min(count - 1, 10)));
        Save(new LoginState { LastAt = now, Count = count, NextAt = now + window });
    }

    public void RecordRetryAfter(TimeSpan wait)
    {
        var state = Load();
        var until = time.GetUtcNow() + wait;
        Save(state with { NextAt = until > state.NextAt ? until : state.NextAt });
    }

    /// <summary>Blocks further logins with these credentials, and returns why.</summary>
    public Renewal RecordRejection(string reason)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        Save(Load() with { Refusal = reason, Key = Convert.ToHexString(key), Credentials = Fingerprint(key) });
        return Check()!;
    }

    /// <summary>Call after a refresh: the next login is not a consecutive one.</summary>
    public void Reset()
    {
        if (Load() is { Count: > 0 } or { Refusal: not null })
        {
            Save(new LoginState());
        }
    }

    private bool IsForTheseCredentials(LoginState state) => state is { Key: { } hex, Credentials: { } fingerprint }
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Fingerprint(ParseHex(hex))), Encoding.ASCII.GetBytes(fingerprint));

    /// <summary>An HMAC, because a plain hash would allow to guess the password offline.</summary>
    private string Fingerprint(byte[] key) => Convert.ToHexString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(string.Join('\0',
        credentials.Environment.Name, credentials.Environment.Address.AbsoluteUri, credentials.UserType, credentials.Username,
        credentials.Password.Reveal()))));

    private static byte[] ParseHex(string hex) => hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : [];

    private LoginState Load()
    {
        if (file is null || fileFailed)
        {
            return memory;
        }
        try
        {
            return AtomicFile.Read(file, LargestRecord) is { } content
                ? JsonSerializer.Deserialize(content, LoginJson.Default.LoginState) ?? new LoginState()
                : new LoginState();
        }
        catch (JsonException)
        {
            return new LoginState();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailure(e);
            return memory;
        }
    }

    private void Save(LoginState state)
    {
        memory = state;
        if (file is null)
        {
            return;
        }
        try
        {
            AtomicFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes(state, LoginJson.Default.LoginState));
            fileFailed = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailure(e);
        }
    }

    private void LogFailure(Exception e)
    {
        if (!fileFailed)
        {
            logger?.LogWarning("{File}: the login record cannot be stored and is lost at a restart: {Reason}", file, Sanitize.Line(e.Message));
        }
        fileFailed = true;
    }
}

/// <summary>The contents of the login record. The member names are part of the file format.</summary>
internal sealed record LoginState
{
    public DateTimeOffset? LastAt { get; init; }
    public int Count { get; init; }
    public DateTimeOffset? NextAt { get; init; }

    /// <summary>Why Ergani rejected the credentials.</summary>
    public string? Refusal { get; init; }

    /// <summary>The key of the fingerprint in hexadecimal, created for each rejection.</summary>
    public string? Key { get; init; }

    /// <summary>The fingerprint of the rejected credentials.</summary>
    public string? Credentials { get; init; }
}

[JsonSerializable(typeof(LoginState))]
internal sealed partial class LoginJson : JsonSerializerContext;

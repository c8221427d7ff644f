using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// What is on record of log-ins, so that neither a loop of restarts nor a wrong password locks an account: the last one, how many there were in
/// a row, and whether these very credentials were refused. The file is read at every log-in, because other
/// processes write it too; the token manager's lock lets one of them log in at a time. Unreadable, it counts as empty.
/// </summary>
internal sealed class LoginRecord(ErganiCredentials credentials, string? file, TimeProvider time, ILogger? logger)
{
    private static readonly TimeSpan FirstWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWindow = TimeSpan.FromHours(1);

    /// <summary>A token lives three hours: what logs in more seldom does not log in instead of refreshing.</summary>
    private static readonly TimeSpan Row = TimeSpan.FromHours(3);

    private LoginState memory = new();
    private bool complained;

    /// <summary>Why there must be no log-in now; null when there may be one.</summary>
    public Renewal? Obstacle()
    {
        var state = Load();
        var now = time.GetUtcNow();
        if (state.Refusal is { } reason && IsOurs(state))
        {
            return new Renewal.InvalidClient($"{reason}: correct username, password or user type; there is no other log-in before one of them changes{Remedy}");
        }
        // A clock that was set back must not lock us out for longer than a window.
        return state.NextAt > now && state.LastAt is { } last && last <= now
            ? new Renewal.Transient(FailureKind.RateLimited, $"the last log-in was at {last:u}, and the next is not sent before {state.NextAt:u}", state.NextAt - now)
            : null;
    }

    /// <summary>A log-in is about to be sent. Noted first: a process that does not live to see the answer has logged in too.</summary>
    public void Begin()
    {
        var (state, now) = (Load(), time.GetUtcNow());
        var count = state.LastAt > now - Row && state.LastAt <= now ? state.Count + 1 : 1;
        var window = TimeSpan.FromTicks(Math.Min(LongestWindow.Ticks, FirstWindow.Ticks << Math.Min(count - 1, 10)));
        Save(new LoginState { LastAt = now, Count = count, NextAt = now + window });
    }

    /// <summary>The provider asked for patience.</summary>
    public void Wait(TimeSpan wait)
    {
        var state = Load();
        var until = time.GetUtcNow() + wait;
        Save(state with { NextAt = until > state.NextAt ? until : state.NextAt });
    }

    /// <summary>These credentials were refused, which from now on is the obstacle.</summary>
    public Renewal Refuse(string reason)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        Save(Load() with { Refusal = reason, Key = Convert.ToHexString(key), Credentials = Fingerprint(key) });
        return Obstacle()!;
    }

    /// <summary>The token lives on without log-ins, so that the next is the first of its row.</summary>
    public void Refreshed()
    {
        if (Load() is { Count: > 0 } or { Refusal: not null })
        {
            Save(new LoginState());
        }
    }

    private string Remedy => file is null ? "" : $" (or {file} is removed)";

    private bool IsOurs(LoginState state) =>
        state is { Key: { } key, Credentials: { } fingerprint }
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Fingerprint(Bytes(key))), Encoding.ASCII.GetBytes(fingerprint));

    /// <summary>Keyed, because a plain hash of a password can be tried out at leisure by whoever gets hold of it alone.</summary>
    private string Fingerprint(byte[] key) => Convert.ToHexString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(string.Join(
        '\0', credentials.Environment.Name, credentials.Environment.Address.AbsoluteUri, credentials.UserType, credentials.Username, credentials.Password.Reveal()))));

    private static byte[] Bytes(string hex) => hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : [];

    private LoginState Load()
    {
        if (file is null || complained)
        {
            return memory;
        }
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), LoginJson.Default.LoginState) ?? new LoginState();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return new LoginState();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complain(e);
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
            complained = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complain(e);
        }
    }

    private void Complain(Exception e)
    {
        if (!complained)
        {
            logger?.LogWarning("{File}: the record of log-ins cannot be kept there, so that a restart does not know of them: {Reason}", file, Sanitize.Line(e.Message));
        }
        complained = true;
    }
}

/// <summary>The record as it is kept.</summary>
internal sealed record LoginState
{
    public DateTimeOffset? LastAt { get; init; }

    public int Count { get; init; }

    public DateTimeOffset? NextAt { get; init; }

    public string? Refusal { get; init; }

    /// <summary>The key of the fingerprint, in hexadecimal; for this file alone.</summary>
    public string? Key { get; init; }

    /// <summary>The fingerprint of the credentials that were refused.</summary>
    public string? Credentials { get; init; }
}

[JsonSerializable(typeof(LoginState))]
internal sealed partial class LoginJson : JsonSerializerContext;

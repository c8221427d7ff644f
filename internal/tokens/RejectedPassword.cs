using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>The record of a password that the server rejected. An unreadable record counts as empty.</summary>
internal sealed class RejectedPassword(TokenEndpoint endpoint, PasswordCredentials credentials, string? file, ILogger? logger)
{
    private const int LargestRecord = 64 * 1024;
    private const string ReasonMember = "reason";
    private const string KeyMember = "key";
    private const string CredentialsMember = "credentials";

    private JsonMembers memory = JsonMembers.Empty;
    private bool fileFailed;

    /// <summary>Why the password must not be sent; null if it may be.</summary>
    public Renewal? Check()
    {
        var record = Load();
        if (record.Text(ReasonMember) is not { } reason || !IsForTheseCredentials(record))
        {
            return null;
        }
        var alternative = file is null ? "" : $", or remove {file}";
        return new Renewal.InvalidClient($"{reason}; change username or password{alternative}: the password is not sent again before that");
    }

    /// <summary>Records that the server rejected the password, and returns why it is not sent again.</summary>
    public Renewal Record(string reason)
    {
        var key = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        memory = JsonMembers.Empty.With(ReasonMember, reason).With(KeyMember, key).With(CredentialsMember, Fingerprint(key));
        if (file is not null)
        {
            try
            {
                AtomicFile.Replace(file, memory.ToBytes(JsonStyle.Compact));
                fileFailed = false;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogFailure(e);
            }
        }
        return Check()!;
    }

    private bool IsForTheseCredentials(JsonMembers record) =>
        record.Text(KeyMember) is { } key && record.Text(CredentialsMember) is { } fingerprint
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Fingerprint(key)), Encoding.UTF8.GetBytes(fingerprint));

    /// <summary>An HMAC, because a plain hash would allow to guess the password offline.</summary>
    private string Fingerprint(string key) => Convert.ToHexString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(
        string.Join('\0', endpoint.Location, endpoint.Client?.Id, credentials.Username, credentials.Password.Reveal()))));

    private JsonMembers Load()
    {
        if (file is null || fileFailed)
        {
            return memory;
        }
        try
        {
            return AtomicFile.Read(file, LargestRecord) is { } content ? JsonMembers.TryParse(content) ?? JsonMembers.Empty : JsonMembers.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailure(e);
            return memory;
        }
    }

    private void LogFailure(Exception e)
    {
        if (!fileFailed)
        {
            logger?.LogWarning(
                "{File}: the record of the rejected password cannot be stored and is lost at a restart: {Reason}", file, Sanitize.Line(e.Message));
        }
        fileFailed = true;
    }
}

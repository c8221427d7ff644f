using System.Collections.Concurrent;
using System.Text.Json;

namespace Exporter.Accounts;

internal enum TokenExportFormat
{
    Env,
    Json,
}

/// <summary>
/// A file of another program that receives the access token after the store has it. Its other content is kept, and no token is read from it.
/// </summary>
/// <param name="Member">The variable, or the member of the JSON object. Dots separate the names of nested objects.</param>
internal sealed record TokenExport(string Path, TokenExportFormat Format, string Member)
{
    private const int Largest = 1 << 20;

    /// <summary>One for each file, because several accounts may export to the same one.</summary>
    private static readonly ConcurrentDictionary<string, Lock> FileLocks = new();

    public static TokenExport? Read(Section section)
    {
        if (section.Find(AccountSettings.TokenExportFile) is not { } path)
        {
            Setting[] others = [AccountSettings.TokenExportFormat, AccountSettings.TokenExportName];
            foreach (var unused in others.Where(setting => section.Origin(setting) is not null))
            {
                section.Problem(unused, "this needs a sink_file; set one, or remove this setting");
            }
            return null;
        }
        var format = section.Find(AccountSettings.TokenExportFormat)
            ?? (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? TokenExportFormat.Json : TokenExportFormat.Env);
        if (section.Find(AccountSettings.TokenFile) is { } store && AtomicFile.RealPath(store) == AtomicFile.RealPath(path))
        {
            section.Problem(AccountSettings.TokenExportFile, "this is also the account's token file; name a file of another program");
        }
        var name = section.Find(AccountSettings.TokenExportName) ?? (format == TokenExportFormat.Json ? "access_token" : "ACCESS_TOKEN");
        if (format == TokenExportFormat.Env && DotEnv.Parse($"{name}=x") is not DotEnvLine.Variable)
        {
            section.Problem(AccountSettings.TokenExportName, "this is not a variable name; use letters, digits and _, and do not start with a digit");
        }
        return new TokenExport(path, format, name);
    }

    /// <summary>Writes the token, or an empty value for null, unless the file has it already. Returns a warning or an error, or null.</summary>
    public string? Write(Secret? token)
    {
        if (CurrentStoreAccess.IsReadOnly)
        {
            return null;
        }
        lock (FileLocks.GetOrAdd(AtomicFile.RealPath(Path), _ => new Lock()))
        {
            try
            {
                var before = AtomicFile.Read(Path, Largest + 1) ?? [];
                if (before.Length > Largest)
                {
                    return Failure($"it is larger than {Largest >> 20} MiB");
                }
                if (before is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
                {
                    return Failure("it is UTF-16; save it as UTF-8");
                }
                var after = Format == TokenExportFormat.Json ? WithMember(before, token) : DotEnv.With(before, Member, token?.Reveal());
                return before.AsSpan().SequenceEqual(after) ? null : AtomicFile.Replace(Path, after);
            }
            catch (JsonException)
            {
                return Failure("it is not a JSON object");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return Failure(Sanitize.Line(e.Message));
            }
        }
    }

    private string Failure(string reason) => $"the token could not be written to the sink {Path}, which is unchanged: {reason}";

    private byte[] WithMember(byte[] before, Secret? token)
    {
        var style = JsonStyle.Of(before);
        return With(before.Length == 0 ? JsonMembers.Empty : JsonMembers.Parse(before), Member.Split('.'), token, style).ToBytes(style);
    }

    private static JsonMembers With(JsonMembers members, ReadOnlySpan<string> names, Secret? token, JsonStyle style) => names.Length == 1
        ? members.With(names[0], token?.Reveal())
        : members.With(names[0], With(members.Inner(names[0]) ?? JsonMembers.Empty, names[1..], token, style.Nested()), style);
}

/// <summary>
/// A store that exports each token it reads or writes, so that it also repairs a sink that another process overwrote. A sink that fails is a
/// warning and does not affect the store.
/// </summary>
internal sealed class ExportingTokenStore(ITokenStore store, TokenExport export) : ITokenStore
{
    public string Location => store.Location;

    public async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        var result = await store.ReadAsync(cancellationToken);
        return result is ReadResult.Held held && Export(held.Token) is { } warning ? held with { Warning = Join(held.Warning, warning) } : result;
    }

    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => store.PrepareAsync(cancellationToken);

    public async ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        var result = await store.WriteAsync(token, expected, cancellationToken);
        return result is WriteResult.Written done && Export(token) is { } warning ? done with { Warning = Join(done.Warning, warning) } : result;
    }

    public async ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken)
    {
        var result = await store.LogOutAsync(cancellationToken);
        return result is WriteResult.Written && export.Write(null) is { } error ? new WriteResult.Failed($"it is deleted, but {error}") : result;
    }

    public ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) =>
        store.RecordAsync(record, stamp, cancellationToken);

    public ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) =>
        store.ReadRecordAsync(stamp, cancellationToken);

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) => store.LockAsync(cancellationToken);

    private string? Export(Token token) => token.AccessToken is { } access ? export.Write(access) : null;

    private static string Join(string? first, string second) => first is null ? second : $"{first}; {second}";
}

using System.Collections.Concurrent;
using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>How a sink is written.</summary>
internal enum TokenExportFormat
{
    Env,
    Json,
}

/// <summary>
/// A file of another program that is given the access token after the store has it. No token is ever taken from it; what
/// else it holds stays.
/// </summary>
/// <param name="Member">The variable, or the member of the JSON object, dotted where it stands in another.</param>
internal sealed record TokenExport(string Path, TokenExportFormat Format, string Member)
{
    private const int Largest = 1 << 20;

    /// <summary>One for each file, for what is not ours in it may be another account's.</summary>
    private static readonly ConcurrentDictionary<string, Lock> Writing = new();

    public static TokenExport? Read(Section section)
    {
        if (section.Find(AccountSettings.TokenExportFile) is not { } path)
        {
            foreach (var idle in new Setting[] { AccountSettings.TokenExportFormat, AccountSettings.TokenExportName }.Where(s => section.Origin(s) is not null))
            {
                section.Problem(idle, "there is no sink_file that this could be for; name one, or leave this out");
            }
            return null;
        }
        var format = section.Find(AccountSettings.TokenExportFormat) ?? (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? TokenExportFormat.Json : TokenExportFormat.Env);
        if (section.Find(AccountSettings.TokenFile) is { } store && TokenFiles.RealPath(store) == TokenFiles.RealPath(path))
        {
            section.Problem(AccountSettings.TokenExportFile, "is the account's token file as well; a sink is a file of another program");
        }
        var name = section.Find(AccountSettings.TokenExportName) ?? (format == TokenExportFormat.Json ? "access_token" : "ACCESS_TOKEN");
        if (format == TokenExportFormat.Env && DotEnv.Parse($"{name}=x") is not DotEnvLine.Variable)
        {
            section.Problem(AccountSettings.TokenExportName, "is no name of a variable; it has letters, digits and _ only, and does not begin with a digit");
        }
        return new TokenExport(path, format, name);
    }

    /// <summary>Writes the token, or nothing in its place, unless that is what it holds; why that failed, or null.</summary>
    public string? Write(Secret? token)
    {
        var target = TokenFiles.RealPath(Path);
        lock (Writing.GetOrAdd(target, _ => new Lock()))
        {
            return WriteAlone(target, token);
        }
    }

    private string? WriteAlone(string target, Secret? token)
    {
        try
        {
            var before = File.Exists(target) ? File.ReadAllBytes(target) : [];
            if (before.Length > Largest)
            {
                return Say($"it is larger than {Largest >> 20} MiB");
            }
            var after = Format == TokenExportFormat.Json ? WithMember(before, token) : DotEnv.With(before, Member, token?.Reveal());
            return before.AsSpan().SequenceEqual(after) ? null : AtomicFile.Replace(Path, after);
        }
        catch (JsonException)
        {
            return Say("it is not a JSON object");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Say(Sanitize.Line(e.Message));
        }
    }

    private string Say(string reason) => $"the token could not be written to the sink {Path}, which keeps what it has: {reason}";

    private byte[] WithMember(byte[] before, Secret? token)
    {
        var style = JsonStyle.Of(before);
        return With(before.Length == 0 ? JsonMembers.Empty : JsonMembers.Parse(before), Member.Split('.'), token, style).ToBytes(style);
    }

    private static JsonMembers With(JsonMembers members, ReadOnlySpan<string> names, Secret? token, JsonStyle style) => names.Length == 1
        ? members.With(names[0], token?.Reveal())
        : members.With(names[0], With(members.Inner(names[0]) ?? JsonMembers.Empty, names[1..], token, style.Nested()), style);
}

/// <summary>A store whose token is given to a sink, whenever it is a new one or a look finds the sink without it, as when another process wrote over it. A sink that fails is said, and the store is none the worse.</summary>
internal sealed class ExportingTokenStore(ITokenStore store, TokenExport sink) : ITokenStore
{
    public string Location => store.Location;

    public async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        var stored = await store.ReadAsync(cancellationToken);
        return stored is ReadResult.Held held && Give(held.Token) is { } complaint ? held with { Warning = Both(held.Warning, complaint) } : stored;
    }

    public ValueTask<WritePreparation> PrepareAsync(CancellationToken cancellationToken) => store.PrepareAsync(cancellationToken);

    public async ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        var saved = await store.WriteAsync(token, expected, cancellationToken);
        return saved is WriteResult.Written done && Give(token) is { } complaint ? done with { Warning = Both(done.Warning, complaint) } : saved;
    }

    public async ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken)
    {
        var saved = await store.LogOutAsync(cancellationToken);
        return saved is WriteResult.Written && sink.Write(null) is { } complaint ? new WriteResult.Failed($"it is forgotten, but {complaint}") : saved;
    }

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) => store.LockAsync(cancellationToken);

    private string? Give(Token token) => token.AccessToken is { } access ? sink.Write(access) : null;

    private static string Both(string? first, string second) => first is null ? second : $"{first}; {second}";
}

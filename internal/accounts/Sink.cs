using System.Collections.Concurrent;
using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>How a sink is written.</summary>
internal enum SinkFormat
{
    Env,
    Json,
}

/// <summary>
/// A file of another program that is given the access token after the store has it. No token is ever taken from it; what
/// else it holds stays.
/// </summary>
/// <param name="Member">The variable, or the member of the JSON object, dotted where it stands in another.</param>
internal sealed record Sink(string Path, SinkFormat Format, string Member)
{
    private const int Largest = 1 << 20;

    /// <summary>One for each file, for what is not ours in it may be another account's.</summary>
    private static readonly ConcurrentDictionary<string, Lock> Writing = new();

    public static Sink? Read(Section section)
    {
        if (section.Find(AccountSettings.SinkFile) is not { } path)
        {
            foreach (var idle in new Setting[] { AccountSettings.SinkFormat, AccountSettings.SinkName }.Where(s => section.Origin(s) is not null))
            {
                section.Problem(idle, "there is no sink_file that this could be for; name one, or leave this out");
            }
            return null;
        }
        var format = section.Find(AccountSettings.SinkFormat) ?? (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? SinkFormat.Json : SinkFormat.Env);
        if (section.Find(AccountSettings.TokenFile) is { } store && TokenFiles.RealPath(store) == TokenFiles.RealPath(path))
        {
            section.Problem(AccountSettings.SinkFile, "is the account's token file as well; a sink is a file of another program");
        }
        var name = section.Find(AccountSettings.SinkName) ?? (format == SinkFormat.Json ? "access_token" : "ACCESS_TOKEN");
        if (format == SinkFormat.Env && DotEnv.Parse($"{name}=x") is not DotEnvLine.Variable)
        {
            section.Problem(AccountSettings.SinkName, "is no name of a variable; it has letters, digits and _ only, and does not begin with a digit");
        }
        return new Sink(path, format, name);
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
            var after = Format == SinkFormat.Json ? WithMember(before, token) : DotEnvFile.With(before, Member, token?.Reveal());
            return before.AsSpan().SequenceEqual(after) ? null : AtomicFile.Replace(Path, after);
        }
        catch (JsonException)
        {
            return Say("it is not a JSON object");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Say(Plain.Line(e.Message));
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
        : members.With(names[0], With(members.Inner(names[0]) ?? JsonMembers.Empty, names[1..], token, style.Deeper()), style);
}

/// <summary>A store whose token is given to a sink, whenever it is a new one or a look finds the sink without it, as when another process wrote over it. A sink that fails is said, and the store is none the worse.</summary>
internal sealed class SunkStore(ITokenStore store, Sink sink) : ITokenStore
{
    public string Location => store.Location;

    public async ValueTask<Stored> ReadAsync(CancellationToken cancellation)
    {
        var stored = await store.ReadAsync(cancellation);
        return stored is Stored.Held held && Give(held.Token) is { } complaint ? held with { Warning = Both(held.Warning, complaint) } : stored;
    }

    public async ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation)
    {
        var saved = await store.WriteAsync(token, expected, cancellation);
        return saved is Saved.Done done && Give(token) is { } complaint ? done with { Warning = Both(done.Warning, complaint) } : saved;
    }

    public async ValueTask<Saved> SignOutAsync(CancellationToken cancellation)
    {
        var saved = await store.SignOutAsync(cancellation);
        return saved is Saved.Done && sink.Write(null) is { } complaint ? new Saved.Failed($"it is forgotten, but {complaint}") : saved;
    }

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellation) => store.LockAsync(cancellation);

    private string? Give(Token token) => token.AccessToken is { } access ? sink.Write(access) : null;

    private static string Both(string? first, string second) => first is null ? second : $"{first}; {second}";
}

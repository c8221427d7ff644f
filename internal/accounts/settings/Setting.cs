namespace Exporter.Accounts;

/// <summary>
/// One setting, declared once next to the code that uses it (by the factories of <see cref="Settings"/>). The key in the file, the flag, the
/// variable, the default and the help all come from it. Immutable.
/// </summary>
public abstract class Setting(string key, string help, string? flag, char? shortFlag, string? variable, string? defaultText, string placeholder)
{
    /// <summary>The key in the configuration file, in snake_case.</summary>
    public string Key => key;

    public string Help => help;

    /// <summary>With its two dashes: <c>--refresh-interval</c>.</summary>
    public string? Flag { get; } = flag is null ? null : "--" + flag.TrimStart('-');

    public char? ShortFlag => shortFlag;

    public string? Variable => variable;

    public string? DefaultText => defaultText;

    /// <summary>The placeholder of the value in the help: <c>DURATION</c>.</summary>
    public string Placeholder => placeholder;

    /// <summary>The values it may have, if they are few; otherwise empty.</summary>
    public IReadOnlyList<string> Choices { get; internal init; } = [];

    /// <summary>Whether its flag may have no value, which means true.</summary>
    public bool IsSwitch { get; internal init; }

    /// <summary>Whether its flag may be repeated, and its value in the file may be a list.</summary>
    public bool IsList { get; internal init; }

    /// <summary>Whether its value is a map. In the environment, each of its keys may have a variable.</summary>
    public bool IsMap { get; internal init; }

    /// <summary>For a secret, the setting that names a file with the secret.</summary>
    public Setting<string>? FromFile { get; internal init; }

    /// <summary>The flags and variables that set it, otherwise its key.</summary>
    internal IEnumerable<string> Names => WithFiles([this]).SelectMany(one => new[] { one.Flag, one.Variable }).OfType<string>().DefaultIfEmpty(Key);

    /// <summary>The key in words: <c>client id</c>.</summary>
    internal string Noun => Key.Replace('_', ' ');

    /// <summary>The value, or one sentence with the error and the fix, without a full stop.</summary>
    internal abstract Result<object, string> ReadObject(RawValue raw);

    /// <summary>Every setting, and after it the one that names its file.</summary>
    public static IEnumerable<Setting> WithFiles(IEnumerable<Setting> settings) =>
        settings.SelectMany(setting => setting.FromFile is { } file ? new[] { setting, file } : [setting]);

    public override string ToString() => Key;
}

public sealed class Setting<T> : Setting
{
    private readonly Func<RawValue, Result<T, string>> read;

    internal Setting(string key, string help, string? flag, char? shortFlag, string? variable, string? defaultText, string placeholder,
        Func<RawValue, Result<T, string>> read)
        : base(key, help, flag, shortFlag, variable, defaultText, placeholder)
    {
        this.read = read;
        if (defaultText is not null && read(RawValue.Default(defaultText, "/")).Failure is { } problem)
        {
            throw new ArgumentException($"The default of {key} is invalid: {problem}", nameof(defaultText));
        }
    }

    internal override Result<object, string> ReadObject(RawValue raw)
    {
        var (value, problem) = read(raw);
        return new(value, problem);
    }
}

/// <summary>The origins of values, in ascending priority.</summary>
internal enum Layer
{
    Default,

    /// <summary>Another file than the configuration file, with defaults for accounts.</summary>
    Module,
    File,
    DotEnv,
    Environment,
    Flag,
}

/// <summary>Where a value comes from.</summary>
/// <param name="Place">For the user: <c>accounts.yml:12</c>, a variable, a flag, <c>default</c>.</param>
/// <param name="Directory">The directory that a relative path is resolved against.</param>
/// <param name="Subject">Its name at that place, if the place does not include it: <c>accounts.home.interval</c>.</param>
/// <param name="Line">The line in the file; otherwise 0.</param>
internal sealed record Origin(Layer Layer, string Place, string Directory, string? Subject = null, int Line = 0)
{
    /// <summary>The place of an entry of a map in the configuration file.</summary>
    public Origin At(string key, int line) => this with
    {
        Place = $"{Place[..Place.LastIndexOf(':')]}:{line}",
        Subject = $"{Subject}.{Quote.Plain(key)}",
        Line = Line == 0 ? 0 : line,
    };

    public Problem Problem(string sentence) => new(Place, Subject is null ? sentence : $"{Subject}: {sentence}") { Line = Line };
}

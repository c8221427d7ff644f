namespace Exporter.Accounts;

/// <summary>
/// One setting, declared once beside the code that uses it (by the factories of <see cref="Settings"/>): the file's key, the flag, the
/// variable, the default and the help all come from here. Immutable.
/// </summary>
public abstract class Setting
{
    private protected Setting(string key, string help, string? flag, char? shortFlag, string? variable, string? defaultText, string placeholder)
    {
        Key = key;
        Help = help;
        Flag = flag is null ? null : "--" + flag.TrimStart('-');
        ShortFlag = shortFlag;
        Variable = variable;
        DefaultText = defaultText;
        Placeholder = placeholder;
    }

    /// <summary>The key in the configuration file, snake_case.</summary>
    public string Key { get; }

    public string Help { get; }

    /// <summary>With its two dashes: <c>--refresh-interval</c>.</summary>
    public string? Flag { get; }

    public char? ShortFlag { get; }

    public string? Variable { get; }

    public string? DefaultText { get; }

    /// <summary>What stands for the value in the help: <c>DURATION</c>.</summary>
    public string Placeholder { get; }

    /// <summary>Its value is never shown.</summary>
    public bool IsSecret { get; private protected init; }

    /// <summary>Its flag may stand without a value, which means true.</summary>
    public bool IsSwitch { get; private protected init; }

    /// <summary>Its flag may be repeated, and its value in the file may be a list.</summary>
    public bool IsList { get; private protected init; }

    /// <summary>For a secret, the setting that names the file it may be read from.</summary>
    public Setting<string>? FromFile { get; private protected init; }

    /// <summary>The key as words: <c>client id</c>.</summary>
    internal string Noun => Key.Replace('_', ' ');

    /// <summary>The value, or the problem.</summary>
    internal abstract Parsed<object> ReadObject(Given given);

    /// <summary>Every setting together with the one that names its file.</summary>
    public static IEnumerable<Setting> WithFiles(IEnumerable<Setting> settings) =>
        settings.SelectMany(setting => setting.FromFile is { } file ? new[] { setting, file } : [setting]);

    public override string ToString() => Key;
}

/// <summary>A setting whose value is a <typeparamref name="T"/>.</summary>
public sealed class Setting<T> : Setting
{
    private readonly Func<Given, Parsed<T>> read;

    internal Setting(
        string key, string help, string? flag, char? shortFlag, string? variable, string? defaultText, string placeholder,
        Func<Given, Parsed<T>> read, bool isSwitch = false, bool isList = false, bool isSecret = false, Setting<string>? fromFile = null)
        : base(key, help, flag, shortFlag, variable, defaultText, placeholder)
    {
        this.read = read;
        IsSwitch = isSwitch;
        IsList = isList;
        IsSecret = isSecret;
        FromFile = fromFile;
        if (defaultText is not null && read(Given.Default(defaultText, "/")).Problem is { } problem)
        {
            throw new ArgumentException($"The default of {key} is no good: {problem}", nameof(defaultText));
        }
    }

    internal override Parsed<object> ReadObject(Given given)
    {
        var (value, problem) = read(given);
        return new(value, problem);
    }
}

/// <summary>A value, or one sentence (without a full stop, with the remedy) that says what is wrong with the text.</summary>
public readonly record struct Parsed<T>(T? Value, string? Problem);

public static class Parsed
{
    public static Parsed<T> Value<T>(T value) => new(value, null);

    public static Parsed<T> Problem<T>(string sentence) => new(default, sentence);
}

/// <summary>The layers, lowest first: a value of a later one hides that of an earlier one.</summary>
internal enum Layer
{
    Default,
    File,
    DotEnv,
    Environment,
    Flag,
}

/// <summary>Where a value was said.</summary>
/// <param name="Layer">How strong it is.</param>
/// <param name="Place">What a person looks for: <c>accounts.yml:12</c>, a variable, a flag, <c>default</c>.</param>
/// <param name="Subject">What it is called there, where the place does not say it: <c>accounts.home.interval</c>.</param>
/// <param name="Line">In the file; 0 elsewhere.</param>
/// <param name="Directory">The directory that a relative path said there starts from.</param>
internal sealed record Origin(Layer Layer, string Place, string? Subject, int Line, string Directory)
{
    public Problem Problem(string sentence) => new(Place, Subject is null ? sentence : $"{Subject}: {sentence}") { Line = Line };
}

/// <summary>What was said for one setting: one text, or several where a flag is repeated or the file has a list.</summary>
internal sealed record Given(IReadOnlyList<string> Texts, Origin Origin, bool IsYamlList = false)
{
    /// <summary>The last one counts, as with every flag that is given twice.</summary>
    public string Text => Texts[^1];

    public static Given Default(string text, string directory) => new([text], new Origin(Layer.Default, "default", null, 0, directory));
}

using System.Globalization;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>The kinds of setting. Each factory declares one; a declaration stands in a static field beside the code that uses it.</summary>
public static class Settings
{
    /// <summary>A text as it is given.</summary>
    public static Setting<string> Text(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null, string placeholder = "TEXT") =>
        new(key, help, flag, shortFlag, variable, @default, placeholder, given => Parsed.Value(given.Text));

    /// <summary>Any other kind: the text, without the white space around it, is read by <paramref name="parse"/>.</summary>
    public static Setting<T> Of<T>(
        string key, string help, Func<string, Parsed<T>> parse, string placeholder,
        string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null) =>
        new(key, help, flag, shortFlag, variable, @default, placeholder, given => parse(given.Text.Trim()));

    /// <summary>A secret, or by <c>KEY_file</c>, <c>--flag-file</c> and <c>VARIABLE_FILE</c> the name of the file that holds it.</summary>
    public static Setting<Secret> Secret(string key, string help, string? flag = null, char? shortFlag = null, string? variable = null) =>
        new(
            key, help, flag, shortFlag, variable, defaultText: null, "SECRET", given => Parsed.Value(new Secret(given.Text)), isSecret: true,
            fromFile: Path(
                key + "_file", $"File that holds the {key.Replace('_', ' ')}.", flag is null ? null : flag + "-file", null, variable is null ? null : variable + "_FILE"));

    /// <summary>A duration as Go writes it, or with <c>d</c> for days.</summary>
    public static Setting<TimeSpan> Duration(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null,
        TimeSpan? min = null, TimeSpan? max = null) =>
        Of(key, help, text => Between(GoDuration.Parse(text), text, min, max, GoDuration.Text), "DURATION", flag, shortFlag, variable, @default);

    /// <summary>Yes or no. Its flag alone means yes; false unless said otherwise.</summary>
    public static Setting<bool> Switch(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string @default = "false") =>
        new(key, help, flag, shortFlag, variable, @default, "BOOL", given => Bool(given.Text.Trim()), isSwitch: true);

    /// <summary>A whole number.</summary>
    public static Setting<int> Whole(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null, int? min = null, int? max = null) =>
        Of(key, help, text => Between(Int(text), text, min, max, n => n.ToString(CultureInfo.InvariantCulture)), "NUMBER", flag, shortFlag, variable, @default);

    /// <summary>The absolute URL of something that speaks HTTP.</summary>
    public static Setting<Uri> Address(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null) =>
        Of(key, help, Url, "URL", flag, shortFlag, variable, @default);

    /// <summary>
    /// A file or directory, as a full path. What the configuration file says starts from that file's directory, so that the two can move together;
    /// what a flag or a variable says starts from the working directory.
    /// </summary>
    public static Setting<string> Path(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null) =>
        new(key, help, flag, shortFlag, variable, @default, "FILE", given => given.Text.Contains('\0')
            ? Parsed.Problem<string>("the path contains a NUL character; remove it")
            : Parsed.Value(System.IO.Path.GetFullPath(given.Text, given.Origin.Directory)));

    /// <summary>Several texts: a list in the file, a repeated flag, or one text with commas.</summary>
    public static Setting<IReadOnlyList<string>> List(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null) =>
        new(
            key, help, flag, shortFlag, variable, @default, "A,B,…",
            given => Parsed.Value<IReadOnlyList<string>>([.. given.IsYamlList ? given.Texts : given.Texts.SelectMany(Commas)]), isList: true);

    /// <summary>One of some names, whatever their case.</summary>
    public static Setting<T> Choice<T>(
        string key, string help, IReadOnlyList<(string Name, T Value)> names,
        string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null) =>
        Of(key, help, text => OneOf(text, names), string.Join('|', Words(names)), flag, shortFlag, variable, @default);

    private static List<string> Words<T>(IReadOnlyList<(string Name, T Value)> names)
    {
        var words = new List<string>(names.Count);
        foreach (var (name, _) in names)
        {
            words.Add(name);
        }
        return words;
    }

    private static string[] Commas(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Parsed<T> OneOf<T>(string text, IReadOnlyList<(string Name, T Value)> names)
    {
        foreach (var (name, value) in names)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return Parsed.Value(value);
            }
        }

        var known = Words(names);
        return Parsed.Problem<T>($"there is no choice {Quote.Of(text)}{Nearest.Remedy(text, known, "choose one of " + string.Join(", ", known))}");
    }

    private static Parsed<T> Between<T>(Parsed<T> parsed, string text, T? min, T? max, Func<T, string> show)
        where T : struct, IComparable<T> => parsed switch
        {
            { Problem: not null } => parsed,
            { Value: var value } when min is { } least && value.CompareTo(least) < 0 => Parsed.Problem<T>($"{Quote.Of(text)} is too small; the least is {show(least)}"),
            { Value: var value } when max is { } most && value.CompareTo(most) > 0 => Parsed.Problem<T>($"{Quote.Of(text)} is too large; the most is {show(most)}"),
            _ => parsed,
        };

    private static Parsed<bool> Bool(string text) => text.ToLowerInvariant() switch
    {
        "true" or "t" or "1" or "yes" or "on" => Parsed.Value(true),
        "false" or "f" or "0" or "no" or "off" => Parsed.Value(false),
        _ => Parsed.Problem<bool>($"{Quote.Of(text)} is neither true nor false; write one of the two"),
    };

    private static Parsed<int> Int(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        ? Parsed.Value(number)
        : Parsed.Problem<int>($"{Quote.Of(text)} is not a whole number; write it in digits");

    private static Parsed<Uri> Url(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0
        ? Parsed.Value(url)
        : Parsed.Problem<Uri>($"{Quote.Of(text)} is not a URL; it has to begin with http:// or https:// and a host");
}

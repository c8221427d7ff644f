using System.Globalization;

namespace Exporter.Accounts;

/// <summary>Declares settings of each type. Keep a declaration in a static field next to the code that uses it.</summary>
public static class Settings
{
    public static Setting<string> Text(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, string? @default = null,
        string placeholder = "TEXT") =>
        new(key, help, flag, shortFlag, variable, @default, placeholder, raw => OneLine(raw.Text.Trim()));

    /// <summary>A value that <paramref name="parse"/> reads from the trimmed text.</summary>
    public static Setting<T> Of<T>(
        string key, string help, Func<string, Result<T, string>> parse, string placeholder, string? flag = null, string? variable = null,
        string? @default = null) => new(key, help, flag, null, variable, @default, placeholder, raw => parse(raw.Text.Trim()));

    /// <summary>A secret, or the name of a file with the secret (<c>KEY_file</c>, <c>--flag-file</c> and <c>VARIABLE_FILE</c>).</summary>
    /// <param name="mayEndWithBlanks">Whether blanks at its ends are part of it, as in a password. A client secret has none.</param>
    public static Setting<Secret> Secret(
        string key, string help, string? flag = null, char? shortFlag = null, string? variable = null, bool mayEndWithBlanks = false) =>
        new(key, help, flag, shortFlag, variable, defaultText: null, "SECRET", raw => ReadSecret(raw.Text, mayEndWithBlanks))
        {
            FromFile = Path(
                key + "_file", $"File that contains the {key.Replace('_', ' ')}.",
                flag is null ? null : flag + "-file", variable is null ? null : variable + "_FILE"),
        };

    /// <summary>A duration in Go syntax, plus <c>d</c> for days.</summary>
    public static Setting<TimeSpan> Duration(
        string key, string help, string? flag = null, string? variable = null, string? @default = null, TimeSpan? min = null, TimeSpan? max = null) =>
        Of(key, help, text => Between(GoDuration.Parse(text), text, min, max, GoDuration.Text), "DURATION", flag, variable, @default);

    /// <summary>A Boolean. Its flag without a value means true.</summary>
    public static Setting<bool> Switch(
        string key, string help, string? flag = null, string? variable = null, string @default = "false") =>
        new(key, help, flag, null, variable, @default, "BOOL", raw => ParseBool(raw.Text.Trim())) { IsSwitch = true };

    public static Setting<int> Number(
        string key, string help, string? flag = null, string? variable = null, string? @default = null, int? min = null, int? max = null) =>
        Of(key, help, text => Between(ParseInt(text), text, min, max, number => $"{number}"), "NUMBER", flag, variable, @default);

    /// <summary>An absolute HTTP or HTTPS URL.</summary>
    public static Setting<Uri> Address(string key, string help, string? flag = null, string? variable = null, string? @default = null) =>
        Of(key, help, ParseUrl, "URL", flag, variable, @default);

    /// <summary>
    /// A file or directory, as a full path. A path in the configuration file is relative to that file's directory, so that the two can move
    /// together; a path in a flag or a variable is relative to the working directory.
    /// </summary>
    public static Setting<string> Path(string key, string help, string? flag = null, string? variable = null, string? @default = null) =>
        new(key, help, flag, null, variable, @default, "FILE", raw => raw.Text.Contains('\0')
            ? new(null, "the path contains a NUL character; remove it")
            : new(System.IO.Path.GetFullPath(raw.Text.Trim('\r', '\n'), raw.Origin.Directory), null));

    /// <summary>Several texts: a list in the file, a repeated flag, or one text with commas.</summary>
    public static Setting<IReadOnlyList<string>> List(
        string key, string help, string? flag = null, string? variable = null, string? @default = null) =>
        new(key, help, flag, null, variable, @default, "A,B,…",
            raw => new([.. raw.Yaml is YamlValue.List ? raw.Texts : raw.Texts.SelectMany(SplitAtCommas)], null))
        {
            IsList = true,
        };

    /// <summary>
    /// Texts by key: a map in the file, a variable for each key (<c>…__KEY__NAME</c>), or one variable with <c>name=text,name=text</c>.
    /// </summary>
    public static Setting<TextMap> Map(string key, string help) =>
        new(key, help, flag: null, shortFlag: null, variable: null, defaultText: null, "NAME=TEXT,…", raw => new TextMap(raw.Entries ?? []))
        {
            IsMap = true,
        };

    /// <summary>One of several names; case does not matter.</summary>
    /// <param name="placeholder">By default the names, if they fit into a line of the help.</param>
    public static Setting<T> Choice<T>(
        string key, string help, IReadOnlyList<(string Name, T Value)> choices, string? flag = null, string? variable = null,
        string? @default = null, string? placeholder = null)
    {
        // Without LINQ, which native compilation instantiates again for every type of value.
        var names = new string[choices.Count];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = choices[i].Name;
        }
        return new(key, help, flag, null, variable, @default, placeholder ?? string.Join('|', names), raw => Parse(raw.Text.Trim()))
        {
            Choices = names,
        };

        Result<T, string> Parse(string text) =>
            Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var i
            ? choices[i].Value
            : $"there is no choice {Quote.Of(text)}{Nearest.Remedy(text, names, "choose one of " + string.Join(", ", names))}";
    }

    private static Result<Secret, string> ReadSecret(string text, bool mayEndWithBlanks)
    {
        var (secret, problem) = OneLine(mayEndWithBlanks ? text.Trim('\r', '\n') : text.Trim());
        return new(secret is null ? null : new Secret(secret), problem);
    }

    internal static Result<string, string> OneLine(string text) => text.Any(char.IsControl)
        ? new(null, "the value contains a line break or another control character; write only the value, in one line")
        : new(text, null);

    private static string[] SplitAtCommas(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Result<T, string> Between<T>(Result<T, string> parsed, string text, T? min, T? max, Func<T, string> show)
        where T : struct, IComparable<T> => parsed switch
        {
            { Failure: not null } => parsed,
            { Value: var value } when min is { } least && value.CompareTo(least) < 0 =>
                $"{Quote.Of(text)} is too small; the minimum is {show(least)}",
            { Value: var value } when max is { } most && value.CompareTo(most) > 0 =>
                $"{Quote.Of(text)} is too large; the maximum is {show(most)}",
            _ => parsed,
        };

    private static Result<bool, string> ParseBool(string text) => text.ToLowerInvariant() switch
    {
        "true" or "t" or "1" or "yes" or "on" => true,
        "false" or "f" or "0" or "no" or "off" => false,
        _ => $"{Quote.Of(text)} is neither true nor false; write one of the two",
    };

    private static Result<int, string> ParseInt(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : $"{Quote.Of(text)} is not a whole number; write it in digits";

    private static Result<Uri, string> ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0
            ? url
            : $"{Quote.Of(WithoutUser(text))} is not a URL; "
                + (!text.Contains("://", StringComparison.Ordinal) && Uri.TryCreate("http://" + text, UriKind.Absolute, out _)
                    ? $"write http://{Quote.Plain(WithoutUser(text))}"
                    : "start it with http:// or https:// and a host, for example http://nas:9210");

    /// <summary>A user in a URL comes with a password.</summary>
    private static string WithoutUser(string url) => url.LastIndexOf('@') is >= 0 and var at ? "…" + url[at..] : url;
}

namespace Exporter.Accounts;

/// <summary>Settings as text for the help.</summary>
public static class SettingsTable
{
    /// <summary>One setting for each row, wrapped to the width.</summary>
    /// <param name="width">The width of the terminal in columns.</param>
    /// <param name="withKeys">Whether to show the key in the configuration file beside the flag.</param>
    public static string Text(IEnumerable<Setting> settings, int width, bool withKeys = false) => TextColumns.Of(
        [.. Setting.WithFiles(settings).Select(setting => (Name(setting), (string?)Description(setting, withKeys)))], width);

    private static string Name(Setting setting)
    {
        var letter = setting.ShortFlag is { } shortFlag ? $"-{shortFlag}, " : "";
        return $"{letter}{setting.Flag ?? $"{setting.Key}:"}{(setting.IsSwitch ? "" : " " + setting.Placeholder)}";
    }

    /// <summary>The help with key, variable and default: <c>Where to listen. [addr:; NETATMO_EXPORTER_ADDR; default :9210]</c>.</summary>
    private static string Description(Setting setting, bool withKeys)
    {
        string?[] notes =
        [
            withKeys && setting.Flag is not null ? $"{setting.Key}:" : null,
            setting.Variable,
            setting.DefaultText is { } text && !setting.IsSwitch ? "default " + text : null,
        ];
        var known = string.Join("; ", notes.OfType<string>());
        return known.Length == 0 ? setting.Help : $"{setting.Help} [{known}]";
    }
}

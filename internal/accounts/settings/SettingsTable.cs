using System.Text;

namespace Exporter.Accounts;

public static class SettingsTable
{
    private const int HelpColumn = 34;

    /// <summary>For <c>--help</c>: one setting per line, with the help next to the flag, or below a long one.</summary>
    public static string Text(IEnumerable<Setting> settings)
    {
        var text = new StringBuilder();
        foreach (var setting in Setting.WithFiles(settings))
        {
            var indent = setting.ShortFlag is { } letter ? $"  -{letter}, " : "      ";
            var left = $"{indent}{setting.Flag ?? $"{setting.Key}:"}{(setting.IsSwitch ? "" : " " + setting.Placeholder)}";
            text.Append(left.Length < HelpColumn - 1 ? left.PadRight(HelpColumn) : left + "\n" + new string(' ', HelpColumn))
                .Append(Description(setting)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The help with variable and default: <c>Where to listen. [NETATMO_EXPORTER_ADDR; default :9210]</c>.</summary>
    private static string Description(Setting setting)
    {
        string?[] notes = [setting.Variable, setting.DefaultText is { } text && !setting.IsSwitch ? "default " + text : null];
        var known = string.Join("; ", notes.OfType<string>());
        return known.Length == 0 ? setting.Help : $"{setting.Help} [{known}]";
    }
}

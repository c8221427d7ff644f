using System.Text;

namespace Exporter.Accounts;

public static class SettingsTable
{
    private const int HelpColumn = 34;

    /// <summary>A Markdown table: key, flag, variable, default and help.</summary>
    public static string Markdown(IEnumerable<Setting> settings)
    {
        var table = new StringBuilder("| key | flag | variable | default | meaning |\n| --- | --- | --- | --- | --- |\n");
        foreach (var setting in Setting.WithFiles(settings))
        {
            string[] cells = [Code(setting.Key), Code(Flags(setting)), Code(setting.Variable), Code(setting.DefaultText), Cell(setting.Help)];
            table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }
        return table.ToString();
    }

    /// <summary>For <c>--help</c>: one setting per line, with the help next to the flag, or below a long one.</summary>
    public static string Text(IEnumerable<Setting> settings)
    {
        var text = new StringBuilder();
        foreach (var setting in Setting.WithFiles(settings))
        {
            var name = setting.Flag is null ? $"    {setting.Key}:" : (setting.ShortFlag is null ? "    " : "") + Flags(setting);
            var left = $"  {name}{(setting.IsSwitch ? "" : " " + setting.Placeholder)}";
            text.Append(left.Length < HelpColumn - 1 ? left.PadRight(HelpColumn) : left + "\n" + new string(' ', HelpColumn))
                .Append(Description(setting)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The help with variable and default: <c>Where to listen. [NETATMO_EXPORTER_ADDR; default :9210]</c>.</summary>
    public static string Description(Setting setting)
    {
        string?[] notes = [setting.Variable, setting.DefaultText is { } text && !setting.IsSwitch ? "default " + text : null];
        var known = string.Join("; ", notes.OfType<string>());
        return known.Length == 0 ? setting.Help : $"{setting.Help} [{known}]";
    }

    private static string? Flags(Setting setting) => setting.ShortFlag is { } letter ? $"-{letter}, {setting.Flag}" : setting.Flag;

    private static string Code(string? text) => string.IsNullOrEmpty(text) ? "" : $"`{Cell(text)}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}

using System.Text;
using Exporter.Accounts;

namespace Exporter.Tests.Support;

/// <summary>Settings as a Markdown table for the documents.</summary>
internal static class SettingsMarkdown
{
    /// <summary>Key, flag, variable, default and help.</summary>
    public static string Table(IEnumerable<Setting> settings)
    {
        var table = new StringBuilder("| key | flag | variable | default | meaning |\n| --- | --- | --- | --- | --- |\n");
        foreach (var setting in Setting.WithFiles(settings))
        {
            var flags = setting.ShortFlag is { } letter ? $"-{letter}, {setting.Flag}" : setting.Flag;
            string[] cells = [Code(setting.Key), Code(flags), Code(setting.Variable), Code(setting.DefaultText), Cell(setting.Help)];
            table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }
        return table.ToString();
    }

    private static string Code(string? text) => string.IsNullOrEmpty(text) ? "" : $"`{Cell(text)}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}

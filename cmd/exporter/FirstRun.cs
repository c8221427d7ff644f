using System.Text;

namespace Exporter;

/// <summary>What a user without any configuration can do next.</summary>
internal static class FirstRun
{
    /// <param name="source">The source whose settings are missing.</param>
    /// <param name="missing">Its required settings.</param>
    public static string Explain(ISource source, IReadOnlyList<Setting> missing)
    {
        // A file keeps a secret out of the shell's history and the list of processes.
        var settings = missing.Select(setting => setting.FromFile ?? setting).ToList();
        var text = new StringBuilder("\nNothing is configured yet. Configure an account in one of three ways:\n\n");
        text.Append($"1. By flags, for one account of {source.Name}:\n\n   {CommandLine.ProgramName}");
        text.AppendJoin("", settings.Where(s => s.Flag is not null).Select(s => $" \\\n     {s.Flag} {s.Placeholder}"));
        text.Append("\n\n2. By variables, for example in a container:\n\n");
        text.AppendJoin("", settings.Where(s => s.Variable is not null).Select(s => $"   {s.Variable}={s.Placeholder}\n"));
        text.Append($"\n3. By a file, for any source and for several accounts: {CommandLine.ProgramName} --config exporter.yml\n\n");
        text.Append($"   accounts:\n     home:\n       source: {source.Name}\n");
        text.AppendJoin("", settings.Select(s => $"       {s.Key}: {s.Placeholder}\n"));
        text.Append($"""

            README.md has an example for each source under "Start each source".
            All settings: {CommandLine.ProgramName} help settings

            """);
        return text.ToString();
    }
}

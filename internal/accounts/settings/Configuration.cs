using System.Collections.Frozen;

namespace Exporter.Accounts;

/// <summary>
/// The whole configuration, by ascending priority: defaults, the file, the environment, the flags. Reading it never fails. Errors are in
/// <see cref="Problems"/>; sections add required settings that are missing while options are created from them.
/// </summary>
public sealed class Configuration
{
    /// <summary>The configuration file; the only program setting that the file cannot contain.</summary>
    public static readonly Setting<string> ConfigFile = Settings.Path(
        "config", "Configuration file, for several accounts or as an alternative to flags.", flag: "--config", variable: "EXPORTER_CONFIG");

    private readonly Problems problems;

    private Configuration(Section program, IReadOnlyList<AccountSection> accounts, IReadOnlyList<Problem> warnings, Problems problems) =>
        (Program, Accounts, Warnings, this.problems) = (program, accounts, warnings, problems);

    public Section Program { get; }

    /// <summary>In the order of the file, then those of the environment. Includes accounts with problems, so that all problems are found.</summary>
    public IReadOnlyList<AccountSection> Accounts { get; }

    /// <summary>Ignored lines, and settings that work but should change, for the log.</summary>
    public IReadOnlyList<Problem> Warnings { get; }

    /// <summary>All errors so far. While there are any, do not start anything.</summary>
    public IReadOnlyList<Problem> Problems => problems.All;

    /// <summary>The keys of program settings whose values differ from those of an earlier configuration.</summary>
    public IEnumerable<string> ChangedProgramKeys(Configuration before) =>
        Program.ChangedKeys(before.Program).Where(key => key != ConfigFile.Key).Order(StringComparer.Ordinal);

    /// <summary>The required settings that are missing so far.</summary>
    public IReadOnlyList<Setting> Missing => problems.Missing;

    /// <summary>Whether neither a file nor a flag, a variable or a token file configures an account.</summary>
    public bool IsEmpty => problems.NothingIsConfigured;

    /// <param name="program">The settings of the program itself, with or without <see cref="ConfigFile"/>.</param>
    /// <param name="sources">The sources. If nothing is configured, the problems name the settings of the first one.</param>
    /// <param name="flags">The command line's settings, each with its values in order.</param>
    /// <param name="workingDirectory">The directory of <c>.env</c> and of relative paths.</param>
    public static Configuration Load(
        IReadOnlyList<Setting> program,
        IReadOnlyList<SourceSettings> sources,
        IReadOnlyDictionary<Setting, IReadOnlyList<string>> flags,
        IReadOnlyDictionary<string, string> environment,
        string workingDirectory)
    {
        var problems = new Problems();
        var warnings = problems.Warnings;
        var variables = new Variables(environment, workingDirectory, warnings);
        var flagValues = flags.ToFrozenDictionary(
            flag => flag.Key, flag => new RawValue(flag.Value, new Origin(Layer.Flag, flag.Key.Flag ?? flag.Key.Key, workingDirectory)));
        var at = new Origin(Layer.Default, "exporter", workingDirectory);
        // Every program that opens accounts needs the state directory.
        Setting[] inFile = [.. program.Where(s => s.Key != ConfigFile.Key).Append(StateDirectory.Setting).DistinctBy(s => s.Key)];
        var values = variables.Read(Setting.WithFiles([ConfigFile, .. inFile]), flagValues);
        var path = new Section(at, [ConfigFile], values, setting => setting.Names, problems).Find(ConfigFile);
        var file = path is null ? null : values[ConfigFile.Key].Text;
        var top = path is null ? null : YamlFile.Read(file!, path, problems);
        var directory = Path.GetDirectoryName(path) ?? workingDirectory;
        var ownEntries = top?.Entries.Where(entry => entry.Key != AccountsReader.Key).Select(entry => KeyValuePair.Create(entry.Key,
            RawValue.Of(entry.Value, new Origin(Layer.File, $"{file}:{entry.Line}", directory, Quote.Plain(entry.Key), entry.Line))));
        foreach (var (key, value) in RawValue.OfKnown(ownEntries ?? [], inFile, UnknownKey, problems.Add))
        {
            values.TryAdd(key, value);
        }
        var section = new Section(at, [ConfigFile, .. inFile], values, NamesOf, problems);
        // An unreadable file may list any accounts, so report no problems of accounts.
        var accounts = values.ContainsKey(ConfigFile.Key) && top is null
            ? []
            : new AccountsReader(sources, variables, flagValues, workingDirectory, problems).Read(
                file, directory, top?.Entries.FirstOrDefault(entry => entry.Key == AccountsReader.Key)?.Value);
        return new Configuration(section, accounts, warnings, problems);

        IEnumerable<string> NamesOf(Setting setting) =>
            setting.Names.Append($"{setting.Key} in the configuration file").Where(name => name != setting.Key);

        string UnknownKey(string key, RawValue raw) =>
            key.Length == 0 ? "there is no name before the colon; write KEY: VALUE"
            : sources.SelectMany(source => Setting.WithFiles(source.All)).Any(setting => setting.Key == key)
            ? $"this is a setting of an account; write it below the account's name under {AccountsReader.Key}:"
            : "there is no such setting" + Nearest.Remedy(
                key, Setting.WithFiles(inFile).Select(setting => setting.Key).Append(AccountsReader.Key), "docs/settings.md lists them all");
    }
}

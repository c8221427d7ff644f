using System.Collections.Frozen;

namespace Exporter.Accounts;

/// <summary>
/// The whole configuration: defaults under the file under the environment under the flags. Reading it never fails; what is wrong stands in
/// <see cref="Problems"/>, where sections add what is found missing while options are made of them.
/// </summary>
public sealed class Configuration
{
    /// <summary>The configuration file itself; the one program setting that cannot stand in it.</summary>
    public static readonly Setting<string> ConfigFile = Settings.Path(
        "config", "Configuration file, for several accounts or for settings you would rather not give as flags.", flag: "--config", variable: "EXPORTER_CONFIG");

    private readonly Problems problems;

    private Configuration(Section program, IReadOnlyList<AccountSection> accounts, IReadOnlyList<Problem> warnings, Problems problems)
    {
        Program = program;
        Accounts = accounts;
        Warnings = warnings;
        this.problems = problems;
    }

    public Section Program { get; }

    /// <summary>In the order of the file, then those of the environment. Also accounts that have problems, so that all of these can be found.</summary>
    public IReadOnlyList<AccountSection> Accounts { get; }

    /// <summary>What was passed over, and is worth a line in the log.</summary>
    public IReadOnlyList<Problem> Warnings { get; }

    /// <summary>Everything that was found wrong until now. While there is anything, nothing should be started.</summary>
    public IReadOnlyList<Problem> Problems => problems.All;

    /// <param name="program">The settings of the program itself; <see cref="ConfigFile"/> need not be among them.</param>
    /// <param name="sources">The first one is asked for when nothing at all is configured.</param>
    /// <param name="flags">What the command line says, each setting with its values in their order.</param>
    /// <param name="workingDirectory">Where <c>.env</c> is looked for, and relative paths start.</param>
    public static Configuration Load(
        IReadOnlyList<Setting> program,
        IReadOnlyList<SourceSettings> sources,
        IReadOnlyDictionary<Setting, IReadOnlyList<string>> flags,
        IReadOnlyDictionary<string, string> environment,
        string workingDirectory)
    {
        var problems = new Problems();
        var warnings = new List<Problem>();
        var variables = Variables.Of(environment, workingDirectory, warnings);
        var given = flags.ToFrozenDictionary(
            flag => flag.Key, flag => new Given(flag.Value, new Origin(Layer.Flag, flag.Key.Flag ?? flag.Key.Key, null, 0, workingDirectory)));
        var at = new Origin(Layer.Default, "exporter", null, 0, workingDirectory);
        // Where the program keeps its things is known to every program that opens accounts.
        var inFile = program.Where(setting => setting.Key != ConfigFile.Key).Append(StateDirectory.Setting).DistinctBy(setting => setting.Key).ToArray();

        var said = Layers.Single(Setting.WithFiles([ConfigFile, .. inFile]), variables, given);
        var path = new Section(at, [ConfigFile], said, Layers.Ways, problems).Find(ConfigFile);
        var file = path is null ? null : said[ConfigFile.Key].Text;
        var top = path is null ? null : YamlFile.Read(file!, path, problems);
        var directory = Path.GetDirectoryName(path) ?? workingDirectory;
        foreach (var (key, value) in FromFile(top, file, directory, inFile, sources, problems))
        {
            said.TryAdd(key, value);
        }

        var section = new Section(at, [ConfigFile, .. inFile], said, Ways, problems);
        // Of a file that was named and cannot be read nobody knows what accounts it lists: nothing more is said about them.
        var unknown = said.ContainsKey(ConfigFile.Key) && top is null;
        var accounts = unknown
            ? []
            : new AccountsReader(sources, variables, given, workingDirectory, problems).Read(
                file, directory, top?.Entries.FirstOrDefault(entry => entry.Key == AccountsReader.Key)?.Value);
        return new Configuration(section, accounts, warnings, problems);

        IEnumerable<string> Ways(Setting setting) => Layers.Ways(setting).Append($"{setting.Key} in the configuration file").Where(way => way != setting.Key);
    }

    /// <summary>The program's own settings at the top of the file.</summary>
    private static IEnumerable<(string Key, Given Given)> FromFile(
        YamlValue.Map? top, string? file, string directory, IReadOnlyList<Setting> program, IReadOnlyList<SourceSettings> sources, Problems problems)
    {
        var known = Setting.WithFiles(program).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        foreach (var (key, value, line) in top?.Entries.Where(entry => entry.Key != AccountsReader.Key) ?? [])
        {
            var origin = new Origin(Layer.File, $"{file}:{line}", Quote.Plain(key), line, directory);
            if (known.TryGetValue(key, out var setting))
            {
                if (YamlSettings.Fits(setting, value, origin, problems))
                {
                    yield return (key, YamlSettings.Given(value, origin));
                }

                continue;
            }

            var ofAccounts = sources.SelectMany(source => Setting.WithFiles(source.All)).Any(setting => setting.Key == key);
            problems.Add(origin.Problem(ofAccounts
                ? $"this is a setting of an account; write it below the account's name under {AccountsReader.Key}:"
                : "there is no such setting" + Nearest.Remedy(key, known.Keys.Append(AccountsReader.Key), "exporter --help lists them all")));
        }
    }
}

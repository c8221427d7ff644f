using System.Globalization;

namespace Exporter;

/// <summary>The options of <c>keep</c>. They select one token file, or all accounts of a configuration.</summary>
/// <param name="Margin">Seconds before the expiry of a token.</param>
internal sealed record KeepOptions(string? TokenFile, int? Margin, string? Source)
{
    /// <summary>The margin in seconds; null if there is none. Otherwise the problem, with the option or variable as it is written.</summary>
    public static Result<int?, string> ReadMargin(string name, string? text)
    {
        var trimmed = text?.Trim() ?? "";
        return trimmed.Length == 0 ? new(null, null)
            : int.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) ? new(Math.Max(0, seconds), null)
            : new(null, $"{name} {Sanitize.Line(trimmed, 60)}: write whole seconds, for example 120");
    }

    /// <summary>The accounts to renew, or null after printing an error.</summary>
    public IReadOnlyList<ConfiguredAccount>? SelectAccounts(CommandLine program, ParseResult result, KeepLog log)
    {
        var sources = program.Sources;
        if (Source is not null && sources.All(s => s.Name != Source))
        {
            var names = sources.Select(s => s.Name).ToList();
            log.Error($"unknown source {Sanitize.Line(Source)}{Nearest.Remedy(Source, names, $"choose one of {string.Join(", ", names)}")}");
            return null;
        }
        var configuration = program.Load(result);
        var isConfigured = configuration.Accounts.Any(a => a.HasAccountLabel) || configuration.Program.Find(Configuration.ConfigFile) is not null;
        if (TokenFile is null && isConfigured)
        {
            if (Margin is null && Source is null)
            {
                return program.Read(result)?.Accounts;
            }
            log.Error("the configuration file sets the margin and the source of each account; omit --refresh-margin and --source");
            return null;
        }
        var configured = configuration.Accounts.FirstOrDefault(a => IsSet(a.Section, AccountSettings.TokenFile));
        var file = Path.GetFullPath(TokenFile ?? configured?.Section.Find(AccountSettings.TokenFile) ?? DefaultFile(sources));
        if (Directory.Exists(file))
        {
            log.Error($"{file} is a directory; name the token file with --token-file");
            return null;
        }
        if (!File.Exists(file))
        {
            log.Error($"there is no file {file}; set --token-file, or log in first: {CommandLine.ProgramName} login");
            return null;
        }
        var candidates = Source is null ? DetectSources(file, configuration, program) : [sources.Single(s => s.Name == Source)];
        if (candidates is not [var source])
        {
            var choices = (candidates.Count > 0 ? candidates : sources).Select(s => s.Name);
            log.Error(new FileInfo(file).Length == 0
                ? $"{file} is empty; log in first: {CommandLine.ProgramName} login, or write a refresh token into it"
                : $"cannot detect the provider of the token in {file}; choose it with --source {string.Join('|', choices)}");
            return null;
        }
        var fileSetting = source.Settings.All.Single(s => s.Key == AccountSettings.TokenFile.Key);
        var variable = source.Keep.MarginVariable;
        var (configuredMargin, problem) = variable is null ? default : ReadMargin(variable, program.Environment.GetValueOrDefault(variable));
        if (Margin is null && problem is not null)
        {
            log.Error(problem);
            return null;
        }
        var margin = Margin ?? configuredMargin ?? (int)source.Keep.Margin.TotalSeconds;
        return program.Read(result, source, (fileSetting, file), (AccountSettings.RefreshMargin, $"{margin}s"))?.Accounts;
    }

    /// <summary>The first default file that exists; otherwise the common default, for the error message.</summary>
    private string DefaultFile(IReadOnlyList<ISource> sources) =>
        sources.Where(s => Source is null || s.Name == Source).Select(s => s.Keep.TokenFile).FirstOrDefault(File.Exists)
        ?? KeepDefaults.Common.TokenFile;

    /// <summary>The sources with a specific format for this file; otherwise those with a configured setting, such as a variable.</summary>
    private static List<ISource> DetectSources(string file, Configuration configuration, CommandLine program)
    {
        var content = ReadOrEmpty(file);
        List<ISource> byFormat =
            [.. program.Sources.Where(s => s.TokenFormats(program.Time).Any(f => f is not PlainTokenFormat && f.Recognises(content)))];
        return byFormat.Count > 0 ? byFormat :
        [
            .. program.Sources.Where(source => configuration.Accounts.Any(
                account => account.Source == source.Name && source.Settings.All.Any(setting => IsSet(account.Section, setting)))),
        ];
    }

    private static bool IsSet(Section section, Setting setting) => section.Origin(setting) is not (null or "default");

    /// <summary>The error of an unreadable file is reported when the account is loaded.</summary>
    private static byte[] ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

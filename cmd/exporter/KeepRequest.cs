using System.CommandLine;
using Exporter.Accounts;

namespace Exporter;

/// <summary>What <c>exporter keep</c> was asked to keep: one token file, or all accounts of a configuration.</summary>
/// <param name="Margin">Seconds.</param>
internal sealed record KeepRequest(string? File, int? Margin, string? Source)
{
    /// <summary>The accounts to keep; null when something is wrong, which has been told.</summary>
    public IReadOnlyList<ConfiguredAccount>? Plan(CommandLine program, ParseResult arguments, IReadOnlyList<ISource> sources, KeepLines lines, TimeProvider time)
    {
        if (Source is not null && sources.All(s => s.Name != Source))
        {
            lines.Error($"there is no source {Tokens.Sanitize.Line(Source)}; choose one of {string.Join(", ", sources.Select(s => s.Name))}");
            return null;
        }
        var configuration = program.Peek(arguments);
        if (File is null && (configuration.Accounts.Any(a => a.HasAccountLabel) || configuration.Program.Find(Configuration.ConfigFile) is not null))
        {
            if (Margin is null && Source is null)
            {
                return program.Read(arguments)?.Accounts;
            }
            lines.Error("the accounts are listed in a configuration, so their margin and source stand there; leave --refresh-margin and --source out");
            return null;
        }
        // A variable of a source names the file before any default does.
        var named = configuration.Accounts.FirstOrDefault(a => a.Section.Origin(AccountSettings.TokenFile) is not (null or "default"));
        var file = Path.GetFullPath(File ?? named?.Section.Find(AccountSettings.TokenFile) ?? DefaultFile(sources));
        if (!System.IO.File.Exists(file))
        {
            lines.Error($"there is no file {file}; name it with --token-file, or log in first: exporter login");
            return null;
        }
        var candidates = Source is null ? Recognise(file, configuration, sources, time) : [sources.Single(s => s.Name == Source)];
        if (candidates is not [var source])
        {
            lines.Error($"the shape of {file} does not tell whose token it is; say it with --source {string.Join('|', (candidates.Count > 0 ? candidates : sources).Select(s => s.Name))}");
            return null;
        }
        var setting = source.Settings.All.Single(s => s.Key == AccountSettings.TokenFile.Key);
        return program.Read(arguments, source, [(setting, file), (AccountSettings.RefreshMargin, $"{Math.Max(0, Margin ?? (int)source.Keep.Margin.TotalSeconds)}s")])?.Accounts;
    }

    /// <summary>The first default of a source that is there; where none is, the common one, to be named in the message.</summary>
    private string DefaultFile(IReadOnlyList<ISource> sources) =>
        sources.Where(s => Source is null || s.Name == Source).Select(s => s.Keep.TokenFile).FirstOrDefault(System.IO.File.Exists) ?? KeepDefaults.Common.TokenFile;

    /// <summary>The sources that know the file by a shape of their own; else those that are configured, by their variables.</summary>
    private static List<ISource> Recognise(string file, Configuration configuration, IReadOnlyList<ISource> sources, TimeProvider time)
    {
        var content = Content(file);
        var own = sources.Where(s => s.TokenFormats(time).Any(f => f is not Tokens.PlainTokenFormat && f.Recognises(content))).ToList();
        if (own.Count > 0)
        {
            return own;
        }
        return [.. sources.Where(s => configuration.Accounts.Any(a => a.Source == s.Name && s.Settings.All.Any(setting => a.Section.Origin(setting) is not (null or "default"))))];
    }

    /// <summary>As far as it can be read: what is wrong with it is said when it is loaded.</summary>
    private static byte[] Content(string file)
    {
        try
        {
            return System.IO.File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

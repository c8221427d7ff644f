namespace Exporter.Accounts;

/// <param name="Name">The value of <c>source:</c>, and the name of the account that its own flags and variables create.</param>
/// <param name="Settings">Its settings. One with the key of a common setting replaces that setting, with its own flag and variable.</param>
public sealed record SourceSettings(string Name, IReadOnlyList<Setting> Settings)
{
    public IReadOnlyList<Setting> All { get; } =
        [.. AccountSettings.Common.Where(common => !Settings.Any(own => own.Key == common.Key)), .. Settings];

    /// <summary>Whether files in the working directory imply an account of this source. Called if no accounts are listed.</summary>
    public Func<string, bool> IsDetectedIn { get; init; } = _ => false;
}

/// <summary>The settings of every account.</summary>
public static class AccountSettings
{
    public static readonly Setting<string> Source = Settings.Text("source", "Kind of provider of the account.", placeholder: "NAME");

    public static readonly Setting<string> TokenFile = Settings.Path("token_file", "File that stores the token.");

    public static readonly Setting<TimeSpan> RefreshMargin = Settings.Duration("refresh_margin",
        "How long before it expires the token is renewed; by default a tenth of its lifetime and at least a minute.", min: TimeSpan.Zero);

    public static readonly Setting<string> TokenExportFile = Settings.Path("sink_file",
        "File of another program that receives each new access token after the token file; no token is read from it.");

    internal static readonly Setting<TokenExportFormat> TokenExportFormat = Settings.Choice("sink_format",
        "Whether the sink has lines NAME=VALUE or is a JSON object; by default json if its name ends in .json.",
        [("env", Exporter.Accounts.TokenExportFormat.Env), ("json", Exporter.Accounts.TokenExportFormat.Json)]);

    internal static readonly Setting<string> TokenExportName = Settings.Text("sink_name",
        "Variable or member of the token in the sink, by default ACCESS_TOKEN or access_token; dots separate nested objects.", placeholder: "NAME");

    internal static readonly Setting<int> MaxSeries = Settings.Number("max_series",
        "Most series of the account. A reading with more has failed, and the previous one is served.",
        @default: $"{SeriesLimit.Default.Most}", min: 1, max: 10_000_000);

    public static IReadOnlyList<Setting> Common { get; } =
        [Source, TokenFile, RefreshMargin, MaxSeries, TokenExportFile, TokenExportFormat, TokenExportName];
}

/// <summary>One account as configured.</summary>
/// <param name="HasAccountLabel">Whether the configuration names it, so that its series have the label; otherwise it is the only account.</param>
public sealed record AccountSection(string Name, string Source, bool HasAccountLabel, Section Section);

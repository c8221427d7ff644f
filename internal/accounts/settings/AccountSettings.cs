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
    internal static readonly Setting<string> TokenKeyFile = Settings.Path("token_key_file",
        "Key file that encrypts the token file. Default: systemd's credential token-key, if there is one.");
    public static readonly Setting<TimeSpan> RefreshMargin = Settings.Duration("refresh_margin",
        "How long before its expiry to renew the token. Default: a tenth of its lifetime, at least a minute.", min: TimeSpan.Zero);
    public static readonly Setting<string> TokenExportFile = Settings.Path("sink_file",
        "Another program's file. The exporter writes each new access token to it after saving the token file.");
    internal static readonly Setting<TokenExportFormat> TokenExportFormat = Settings.Choice("sink_format",
        "Format of the export file: env (lines NAME=VALUE) or json. Default: json if the name ends in .json, otherwise env.",
        [("env", Exporter.Accounts.TokenExportFormat.Env), ("json", Exporter.Accounts.TokenExportFormat.Json)]);
    internal static readonly Setting<string> TokenExportName = Settings.Text("sink_name",
        "Name of the variable or member for the token. Default: ACCESS_TOKEN, or access_token in JSON. Use dots for nested members.",
        placeholder: "NAME");

    internal static readonly Setting<int> MaxSeries = Settings.Number("max_series",
        "Maximum series of the account. A reading with more has failed, and the exporter serves the previous one.",
        @default: $"{SeriesLimit.Default.Most}", min: 1, max: 10_000_000);

    public static IReadOnlyList<Setting> Common { get; } =
        [Source, TokenFile, TokenKeyFile, RefreshMargin, MaxSeries, TokenExportFile, TokenExportFormat, TokenExportName];
}

/// <summary>One account as configured.</summary>
/// <param name="HasAccountLabel">Whether the configuration names it, so that its series have the label; otherwise it is the only account.</param>
public sealed record AccountSection(string Name, string Source, bool HasAccountLabel, Section Section);

namespace Exporter.Ergani;

/// <summary>The settings of an Ergani account. The variables have the names that the OxygenSuite package uses.</summary>
/// <param name="TokenDirectory">Null uses a directory in the program's state directory.</param>
internal sealed record ErganiOptions(
    ErganiCredentials Credentials, string? TokenFile, string? TokenDirectory, bool InMemory, TimeSpan RefreshInterval,
    IReadOnlyList<ErganiCount> Counts)
{
    private static readonly Setting<string> UsernameSetting = Settings.Text(
        "username", "User name at Ergani.", flag: "--ergani-username", variable: "ERGANI_USERNAME");
    private static readonly Setting<Secret> PasswordSetting = Settings.Secret(
        "password", "Password at Ergani.", flag: "--ergani-password", variable: "ERGANI_PASSWORD", mayEndWithBlanks: true);
    private static readonly Setting<string> UserTypeSetting = Settings.Choice(
        "user_type", "User type: 01 external users and e-EFKA, 02 Ergani's own codes, 03 construction works.",
        [.. new[] { ErganiCredentials.External, ErganiCredentials.Ergani, ErganiCredentials.Construction }.Select(type => (type, type))],
        flag: "--ergani-user-type", variable: "ERGANI_USER_TYPE", @default: ErganiCredentials.External);
    private static readonly Setting<ErganiEnvironment> EnvironmentSetting = Settings.Choice(
        "environment", "Ergani's production or test environment.",
        [("test", ErganiEnvironment.Test), ("production", ErganiEnvironment.Production)],
        flag: "--ergani-environment", variable: "ERGANI_ENVIRONMENT", @default: "test");
    private static readonly Setting<Uri> ApiSetting = Settings.Address(
        "api_url", "Base address of Ergani's API, instead of the environment's; set it to test against a stand-in.",
        flag: "--ergani-api-url", variable: "ERGANI_API_URL");
    private static readonly Setting<string> TokenFileSetting = Settings.Path(
        "token_file", "File for the token, instead of one in the token directory.",
        flag: "--ergani-token-file", variable: "ERGANI_TOKEN_FILE");
    private static readonly Setting<string> TokenDirectorySetting = Settings.Path(
        "token_folder", "Directory for tokens, with a file per user and environment; by default ergani in the program's state directory.",
        flag: "--ergani-token-folder", variable: "ERGANI_TOKEN_FOLDER");
    private static readonly Setting<bool> InMemorySetting = Settings.Switch(
        "in_memory", "Keep the token in memory only: every start logs in.",
        flag: "--ergani-in-memory", variable: "ERGANI_IN_MEMORY");
    private static readonly Setting<TimeSpan> RefreshIntervalSetting = Settings.Duration(
        "refresh_interval", "Time between two readings. Ergani limits the number of calls.",
        flag: "--ergani-refresh-interval", variable: "ERGANI_REFRESH_INTERVAL", @default: "1h", min: TimeSpan.FromMinutes(1));
    private static readonly Setting<IReadOnlyList<string>> CountsSetting = Settings.List(
        "counts", $"What to count, with one call each: {string.Join(", ", ErganiReading.CountNames)}. Only counts are stored.",
        flag: "--ergani-counts", variable: "ERGANI_COUNTS", @default: "submissions");

    public static SourceSettings All { get; } = new("ergani",
    [
        UsernameSetting, PasswordSetting, UserTypeSetting, EnvironmentSetting, ApiSetting, TokenFileSetting, TokenDirectorySetting, InMemorySetting,
        RefreshIntervalSetting, CountsSetting,
    ]);

    public static ErganiOptions Read(Section section)
    {
        var environment = section.Get(EnvironmentSetting);
        if (section.Find(ApiSetting) is { } address)
        {
            environment = environment with { Address = address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/") };
        }
        var (username, password) = (section.Require(UsernameSetting) ?? "", section.Require(PasswordSetting) ?? new Secret(""));
        var options = new ErganiOptions(
            new ErganiCredentials(username, password, environment, section.Get(UserTypeSetting)),
            section.Find(TokenFileSetting),
            section.Find(TokenDirectorySetting),
            section.Get(InMemorySetting),
            section.Get(RefreshIntervalSetting),
            [.. section.Get(CountsSetting).SelectMany(name => ReadCount(section, name)).Distinct()]);
        if (options is { TokenFile: not null, TokenDirectory: not null })
        {
            section.Problem(TokenDirectorySetting, "token_file is set as well; remove one of the two");
        }
        if (options.InMemory && (options.TokenFile ?? options.TokenDirectory) is not null)
        {
            section.Problem(InMemorySetting, "a token file or directory is set as well; remove one of the two");
        }
        return options;
    }

    private static IEnumerable<ErganiCount> ReadCount(Section section, string name)
    {
        var names = ErganiReading.CountNames;
        if (names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } count)
        {
            return [Enum.Parse<ErganiCount>(count, ignoreCase: true)];
        }
        var remedy = Nearest.Remedy(name, names, $"there are {string.Join(", ", names)}");
        section.Problem(CountsSetting, $"there is no count of {Sanitize.Line(name)}{remedy}");
        return [];
    }
}

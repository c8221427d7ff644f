using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Ergani;

/// <summary>The settings of an account at Ergani. The variables are those of the OxygenSuite package where it has them.</summary>
/// <param name="TokenDirectory">Null is the program's own directory.</param>
internal sealed record ErganiOptions(
    ErganiCredentials Credentials, string? TokenFile, string? TokenDirectory, bool InMemory, TimeSpan RefreshInterval, IReadOnlyList<ErganiCount> Counts)
{
    private static readonly (string Name, ErganiCount Count)[] Names =
    [
        ("submissions", ErganiCount.Submissions),
        ("services", ErganiCount.Services),
        ("employer", ErganiCount.Employer),
        ("branches", ErganiCount.Branches),
        ("workforce", ErganiCount.Workforce),
    ];

    private static readonly Setting<string> UsernameSetting = Settings.Text("username", "User name at Ergani.", flag: "--ergani-username", variable: "ERGANI_USERNAME");

    private static readonly Setting<Secret> PasswordSetting = Settings.Secret("password", "Password at Ergani.", flag: "--ergani-password", variable: "ERGANI_PASSWORD");

    private static readonly Setting<string> UserTypeSetting = Settings.Choice("user_type",
        "Kind of user: 01 external users and e-EFKA, 02 Ergani's own codes, 03 construction works.",
        [(ErganiCredentials.External, ErganiCredentials.External), (ErganiCredentials.Ergani, ErganiCredentials.Ergani), (ErganiCredentials.Construction, ErganiCredentials.Construction)],
        flag: "--ergani-user-type", variable: "ERGANI_USER_TYPE", @default: ErganiCredentials.External);

    private static readonly Setting<ErganiEnvironment> EnvironmentSetting = Settings.Choice("environment", "Ergani's production or its test environment.",
        [("test", ErganiEnvironment.Test), ("production", ErganiEnvironment.Production)],
        flag: "--ergani-environment", variable: "ERGANI_ENVIRONMENT", @default: "test");

    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of Ergani's API instead of the environment's; for a stand-in.",
        flag: "--ergani-api-url", variable: "ERGANI_API_URL");

    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "File that the token is kept in, instead of one in the token directory.",
        flag: "--ergani-token-file", variable: "ERGANI_TOKEN_FILE");

    private static readonly Setting<string> TokenDirectorySetting = Settings.Path("token_folder",
        "DirectoryPath that tokens are kept in, a file per user and environment; by default ergani in the program's state directory.",
        flag: "--ergani-token-folder", variable: "ERGANI_TOKEN_FOLDER");

    private static readonly Setting<bool> InMemorySetting = Settings.Switch("in_memory", "Keep the token in memory only: every start logs in.",
        flag: "--ergani-in-memory", variable: "ERGANI_IN_MEMORY");

    private static readonly Setting<TimeSpan> RefreshIntervalSetting = Settings.Duration("refresh_interval", "Time between two readings. Ergani watches how often it is asked.",
        flag: "--ergani-refresh-interval", variable: "ERGANI_REFRESH_INTERVAL", @default: "1h", min: TimeSpan.FromMinutes(1));

    private static readonly Setting<IReadOnlyList<string>> CountsSetting = Settings.List("counts",
        $"What to count, a call each: {string.Join(", ", Names.Select(n => n.Name))}. Only counts are kept.",
        flag: "--ergani-counts", variable: "ERGANI_COUNTS", @default: "submissions");

    public static SourceSettings All { get; } = new("ergani",
    [
        UsernameSetting, PasswordSetting, UserTypeSetting, EnvironmentSetting, ApiSetting, TokenFileSetting, TokenDirectorySetting, InMemorySetting,
        RefreshIntervalSetting, CountsSetting,
    ]);

    public static string NameOf(ErganiCount count) => Names.Single(n => n.Count == count).Name;

    public static ErganiOptions Read(Section section)
    {
        var environment = section.Get(EnvironmentSetting);
        if (section.Find(ApiSetting) is { } address)
        {
            environment = environment with { Address = address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/") };
        }
        var options = new ErganiOptions(
            new ErganiCredentials(section.Require(UsernameSetting) ?? "", section.Require(PasswordSetting) ?? new Secret(""), environment, section.Get(UserTypeSetting)),
            section.Find(TokenFileSetting),
            section.Find(TokenDirectorySetting),
            section.Get(InMemorySetting),
            section.Get(RefreshIntervalSetting),
            [.. section.Get(CountsSetting).SelectMany(name => Count(section, name)).Distinct()]);
        if (options is { TokenFile: not null, TokenDirectory: not null })
        {
            section.Problem(TokenDirectorySetting, "token_file says already where the token is kept; leave one of the two out");
        }
        if (options.InMemory && (options.TokenFile ?? options.TokenDirectory) is not null)
        {
            section.Problem(InMemorySetting, "a token file or directory is set as well; leave one of the two out");
        }
        return options;
    }

    private static IEnumerable<ErganiCount> Count(Section section, string name)
    {
        foreach (var (known, count) in Names)
        {
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return [count];
            }
        }
        var all = Names.Select(n => n.Name).ToList();
        section.Problem(CountsSetting, $"there is no count of {Sanitize.Line(name)}; {(Nearest.To(name, all) is { } near ? $"did you mean {near}?" : $"there are {string.Join(", ", all)}")}");
        return [];
    }
}

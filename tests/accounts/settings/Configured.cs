using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;

namespace Exporter.Tests.Accounts;

/// <summary>A program with two sources and every way to configure them.</summary>
internal sealed class Configured : IDisposable
{
    public static readonly Setting<string> Addr = Settings.Text(
        "addr", "Where to listen.", flag: "--addr", shortFlag: 'a', variable: "ADDR", @default: ":9210");
    public static readonly Setting<bool> Debug = Settings.Switch("debug", "More log lines.", flag: "--debug", variable: "DEBUG_HANDLERS");
    public static readonly Setting<string> Id = Settings.Text(
        "client_id", "Client id.", flag: "--client-id", shortFlag: 'i', variable: "CLIENT_ID");
    public static readonly Setting<Secret> Password = Settings.Secret(
        "client_secret", "Client secret.", flag: "--client-secret", variable: "CLIENT_SECRET");
    public static readonly Setting<TimeSpan> Interval = Settings.Duration(
        "interval", "How often.", flag: "--interval", variable: "INTERVAL", @default: "8m", min: TimeSpan.FromSeconds(10));
    public static readonly Setting<Uri> Api = Settings.Address(
        "api_url", "Where.", flag: "--api-url", variable: "API_URL", @default: "https://api.example");
    public static readonly Setting<int> Most = Settings.Number("most", "How many.", min: 1, max: 9);
    public static readonly Setting<IReadOnlyList<string>> Scopes = Settings.List("scopes", "Which.");
    public static readonly Setting<string> Vin = Settings.Text("vin", "Which car.", variable: "CAR_VIN");

    private readonly TemporaryDirectory directory = new();

    public static SourceSettings Weather { get; } = new("weather",
        [Id, Password, Interval, Api, Most, Scopes, Settings.Path("token_file", "Token.", flag: "--token-file", variable: "TOKEN_FILE")]);

    public static SourceSettings Car { get; } = new("car", [Vin, Settings.Path("token_file", "Token.", variable: "CAR_TOKEN_FILE")]);

    public Dictionary<string, string> Environment { get; } = [];

    public Dictionary<Setting, IReadOnlyList<string>> Flags { get; } = [];

    public string DirectoryPath => directory.Path;

    public string Write(string name, string content) => directory.Write(name, content);

    /// <summary>Loads the configuration, with the text as <c>exporter.yml</c> if there is one.</summary>
    public Configuration Load(string? yaml = null)
    {
        if (yaml is not null)
        {
            Write("exporter.yml", yaml);
            Flags[Configuration.ConfigFile] = ["exporter.yml"];
        }
        var configuration = Configuration.Load([Addr, Debug], [Weather, Car], Flags, Environment, DirectoryPath);
        foreach (var account in configuration.Accounts)
        {
            // A source requires its settings, and missing ones become problems.
            var settings = account.Source == "weather" ? Weather : Car;
            account.Section.Require(settings.All.OfType<Setting<string>>().Single(s => s.Key == "token_file"));
            account.Section.Require(account.Source == "weather" ? Id : Vin);
        }
        return configuration;
    }

    /// <summary>All problems as they are printed, with paths relative to the directory.</summary>
    public string[] Problems(string? yaml = null) =>
        [.. Load(yaml).Problems.Select(p => p.ToString().Replace(DirectoryPath + "/", "", StringComparison.Ordinal))];

    public void Dispose() => directory.Dispose();
}

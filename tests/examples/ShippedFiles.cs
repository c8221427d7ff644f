using System.Text.RegularExpressions;
using System.Xml.Linq;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>What the tests of the compose file and of the Kubernetes manifests share.</summary>
internal static partial class ShippedFiles
{
    public static string Examples { get; } = Path.Combine(Slices.Repository, "examples");

    /// <summary>The version of the packages and the image.</summary>
    public static string Version { get; } =
        XDocument.Load(Path.Combine(Slices.Repository, "Directory.Build.props")).Descendants("Version").Single().Value;

    private static string Dockerfile => File.ReadAllText(Path.Combine(Slices.Repository, "Dockerfile"));

    /// <summary>The port that the image exposes.</summary>
    public static int Port => int.Parse(ExposedPort().Match(Dockerfile).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The user and the group of the image, as numbers with a colon between them.</summary>
    public static string User => UserAndGroup().Matches(Dockerfile).Single().Groups[1].Value;

    /// <summary>The directory for tokens, from the image's variable.</summary>
    public static string StateDirectory => StateVariable().Match(Dockerfile).Groups[1].Value;

    /// <summary>Checks an example configuration with all its accounts with the real program, in the layout of its container.</summary>
    /// <param name="root">Contains the container's paths.</param>
    /// <param name="configuration">The path of the configuration in the container.</param>
    public static async Task CheckWithAllAccountsAsync(
        TemporaryDirectory root, string configuration, string text, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var mark = text.IndexOf("#accounts:", StringComparison.Ordinal);
        var enabled = text[..mark] + LineComment().Replace(text[mark..], "");
        var sources = Source().Matches(enabled).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(Composition.Sources.Select(source => source.Settings.Name).Order(StringComparer.Ordinal), sources.Order(StringComparer.Ordinal));

        // A value that is valid everywhere, also as the client ID of BMW.
        enabled = enabled.Replace("…", "31c3b263-a9b7-4c8e-b123-456789abcdef", StringComparison.Ordinal)
            .Replace(StateDirectory, root[StateDirectory.TrimStart('/')], StringComparison.Ordinal);
        var file = root[configuration.TrimStart('/')];
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, enabled);
        foreach (var secret in SecretFile().Matches(enabled).Select(match => match.Groups[1].Value))
        {
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(file)!, secret), "s");
        }
        var state = Directory.CreateDirectory(root[StateDirectory.TrimStart('/')]).FullName;
        File.WriteAllText(Path.Combine(state, "token-config.json"), """
            {"serviceApp": {"appId": "a", "clientId": "c", "clientSecret": "s", "targetOrgId": "o"}, "tokenManager": {}}
            """);

        var variables = environment.ToDictionary(v => v.Key, v => v.Value.Replace(configuration, file, StringComparison.Ordinal));
        variables["EXPORTER_STATE_FOLDER"] = state;
        await using var check = Peer.Start(RunningExporter.Binary, ["check"], variables, root.Path);
        Assert.True(await check.Ends(cancellationToken) == 0, check.Output);
        Assert.All(sources, source => Assert.Contains(source, check.Output, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^EXPOSE (\d+)$", RegexOptions.Multiline)]
    private static partial Regex ExposedPort();

    [GeneratedRegex(@"^USER (\d+:\d+)$", RegexOptions.Multiline)]
    private static partial Regex UserAndGroup();

    [GeneratedRegex(@"^ENV EXPORTER_STATE_FOLDER=(\S+)$", RegexOptions.Multiline)]
    private static partial Regex StateVariable();

    [GeneratedRegex("^#", RegexOptions.Multiline)]
    private static partial Regex LineComment();

    [GeneratedRegex(@"^    source: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Source();

    [GeneratedRegex(@"(?:secret|password)_file: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex SecretFile();
}

using Exporter.Accounts;

namespace Exporter.Tests.Support;

/// <summary>A configuration of one source from YAML or variables, in a temporary directory.</summary>
internal static class Configured
{
    public static (IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems) Of(
        ISource source, string? yaml, IReadOnlyDictionary<string, string> environment, TemporaryDirectory directory)
    {
        var flags = new Dictionary<Setting, IReadOnlyList<string>>();
        if (yaml is not null)
        {
            flags[Configuration.ConfigFile] = [directory.Write("exporter.yml", yaml)];
        }
        var configuration = Configuration.Load([], [source.Settings], flags, environment, directory.Path);
        var accounts = ConfiguredAccount.All(configuration, [source]);
        return (accounts, [.. configuration.Problems.Select(p => p.ToString())]);
    }
}

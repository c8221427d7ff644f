using System.Text.RegularExpressions;

namespace Exporter.Accounts;

/// <summary>The environment, and with lower priority the working directory's <c>.env</c>. An empty variable counts as not set.</summary>
internal sealed partial class Variables
{
    private const int Largest = 1 << 20;
    private const string IsUntrusted = "another user can change this file, so a command of root ignores it; run it in another directory";

    private readonly Dictionary<string, RawValue> variables = new(StringComparer.Ordinal);
    private readonly HashSet<string> services = new(StringComparer.Ordinal);
    private readonly List<Problem> warnings;

    public Variables(IReadOnlyDictionary<string, string> environment, string workingDirectory, List<Problem> warnings)
    {
        this.warnings = warnings;
        var dotEnv = Path.Combine(workingDirectory, ".env");
        var (text, problem) = !Path.Exists(dotEnv) ? new("", null)
            : !CurrentStoreAccess.Trusts(dotEnv) ? new(null, IsUntrusted)
            : SmallFile.Read(dotEnv, Largest);
        if (text is null)
        {
            warnings.Add(new Problem(".env", problem!));
        }
        foreach (var (index, line) in (text ?? "").Split('\n').Index())
        {
            var place = $".env:{index + 1}";
            switch (DotEnv.Parse(line))
            {
                case DotEnvLine.Variable(var name, var value) when value.Length > 0:
                    variables[name] = new RawValue([value], new Origin(Layer.DotEnv, place, workingDirectory, name));
                    break;
                case DotEnvLine.Foreign:
                    // The line is not shown, because it may be part of a private key.
                    warnings.Add(new Problem(place, "this line is not NAME=VALUE and is ignored"));
                    break;
            }
        }
        foreach (var (name, value) in environment.Where(variable => variable.Value.Length > 0))
        {
            if (ServiceAddress().IsMatch(value))
            {
                services.Add(name);
                continue;
            }
            variables[name] = new RawValue([value], new Origin(Layer.Environment, name, workingDirectory));
        }
    }

    /// <summary>The value of each setting by its key, from its flag, otherwise from its variable.</summary>
    public Dictionary<string, RawValue> Read(IEnumerable<Setting> settings, IReadOnlyDictionary<Setting, RawValue> flags) =>
        (from setting in settings.Select(WarnOfService)
         let raw = flags.GetValueOrDefault(setting) ?? variables.GetValueOrDefault(setting.Variable ?? "")
         where raw is not null
         select (setting.Key, raw)).ToDictionary(StringComparer.Ordinal);

    public IEnumerable<(string Name, RawValue Raw)> StartingWith(string prefix) =>
        variables.Where(variable => variable.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .OrderBy(variable => variable.Key, StringComparer.Ordinal)
            .Select(variable => (variable.Key, variable.Value));

    private Setting WarnOfService(Setting setting)
    {
        if (setting.Variable is { } name && services.Remove(name))
        {
            warnings.Add(new Problem(name, "this is an address that Kubernetes sets for a service of this name, and is ignored; "
                + "set enableServiceLinks: false in the pod, or rename the service"));
        }
        return setting;
    }

    /// <summary>The value of <c>NAME_PORT</c>, which Kubernetes sets for each service in the namespace. No setting has such a value.</summary>
    [GeneratedRegex(@"^(tcp|udp|sctp)://[0-9A-Fa-f.:\[\]]+:[0-9]+$")]
    private static partial Regex ServiceAddress();
}

namespace Exporter.Accounts;

/// <summary>The environment, and with lower priority the working directory's <c>.env</c>. An empty variable counts as not set.</summary>
internal sealed class Variables
{
    private const int Largest = 1 << 20;
    private readonly Dictionary<string, RawValue> variables = new(StringComparer.Ordinal);

    public Variables(IReadOnlyDictionary<string, string> environment, string workingDirectory, List<Problem> warnings)
    {
        var dotEnv = Path.Combine(workingDirectory, ".env");
        if (Path.Exists(dotEnv))
        {
            var (text, problem) = SmallFile.Read(dotEnv, Largest);
            if (text is null)
            {
                warnings.Add(new Problem(".env", problem!));
            }
            AddDotEnv(text ?? "", workingDirectory, warnings);
        }
        foreach (var (name, value) in environment.Where(variable => variable.Value.Length > 0))
        {
            variables[name] = new RawValue([value], new Origin(Layer.Environment, name, null, 0, workingDirectory));
        }
    }

    /// <summary>The value of each setting by its key, from its flag, otherwise from its variable.</summary>
    public Dictionary<string, RawValue> Read(IEnumerable<Setting> settings, IReadOnlyDictionary<Setting, RawValue> flags)
    {
        var values = new Dictionary<string, RawValue>(StringComparer.Ordinal);
        foreach (var setting in settings)
        {
            if ((flags.GetValueOrDefault(setting) ?? variables.GetValueOrDefault(setting.Variable ?? "")) is { } raw)
            {
                values[setting.Key] = raw;
            }
        }
        return values;
    }

    public IEnumerable<(string Name, RawValue Raw)> StartingWith(string prefix) =>
        variables.Where(variable => variable.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .OrderBy(variable => variable.Key, StringComparer.Ordinal)
            .Select(variable => (variable.Key, variable.Value));

    private void AddDotEnv(string text, string workingDirectory, List<Problem> warnings)
    {
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            var place = $".env:{++number}";
            switch (DotEnv.Parse(line))
            {
                case DotEnvLine.Variable(var name, var value) when value.Length > 0:
                    variables[name] = new RawValue([value], new Origin(Layer.DotEnv, place, name, 0, workingDirectory));
                    break;
                case DotEnvLine.Foreign:
                    // The line is not shown, because it may be part of a private key.
                    warnings.Add(new Problem(place, "this line is not NAME=VALUE and is ignored"));
                    break;
            }
        }
    }
}

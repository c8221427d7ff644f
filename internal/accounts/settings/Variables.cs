using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>The environment, with the working directory's <c>.env</c> below it. A variable that is empty counts as not set.</summary>
internal sealed class Variables
{
    private const int Largest = 1 << 20;
    private readonly Dictionary<string, Given> variables = new(StringComparer.Ordinal);

    private Variables()
    {
    }

    public static Variables Of(IReadOnlyDictionary<string, string> environment, string workingDirectory, List<Problem> warnings)
    {
        var all = new Variables();
        var dotEnv = Path.Combine(workingDirectory, ".env");
        if (Path.Exists(dotEnv))
        {
            var (text, problem) = SmallFile.Read(dotEnv, Largest);
            if (text is null)
            {
                warnings.Add(new Problem(".env", problem!));
            }

            all.AddDotEnv(text ?? "", workingDirectory, warnings);
        }

        foreach (var (name, value) in environment.Where(variable => variable.Value.Length > 0))
        {
            all.variables[name] = new Given([value], new Origin(Layer.Environment, name, null, 0, workingDirectory));
        }

        return all;
    }

    public Given? Find(string? name) => name is null ? null : variables.GetValueOrDefault(name);

    public IEnumerable<(string Name, Given Given)> StartingWith(string prefix) =>
        variables.Where(variable => variable.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .OrderBy(variable => variable.Key, StringComparer.Ordinal)
            .Select(variable => (variable.Key, variable.Value));

    private void AddDotEnv(string text, string workingDirectory, List<Problem> warnings)
    {
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            switch (DotEnv.Parse(line))
            {
                case DotEnvLine.Variable(var name, var value) when value.Length > 0:
                    variables[name] = new Given([value], new Origin(Layer.DotEnv, $".env:{number}", name, 0, workingDirectory));
                    break;
                case DotEnvLine.Foreign:
                    // Not shown: it may be the middle of somebody's key.
                    warnings.Add(new Problem($".env:{number}", "this line is not NAME=VALUE on one line and was passed over"));
                    break;
            }
        }
    }
}

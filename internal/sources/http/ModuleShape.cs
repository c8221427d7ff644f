namespace Exporter.Http;

/// <summary>
/// What may be written at a place of a module. The parser checks a file with it, and editors get it as a JSON Schema. A closed set.
/// </summary>
internal abstract record ModuleShape
{
    private ModuleShape() { }

    /// <param name="Help">What the text is.</param>
    public sealed record Text(string Help) : ModuleShape;

    public sealed record FormulaText : ModuleShape;

    public sealed record Duration : ModuleShape;

    public sealed record Number(int Least, int Most) : ModuleShape;

    public sealed record Flag : ModuleShape;

    public sealed record Choice(params IReadOnlyList<string> Names) : ModuleShape;

    public sealed record ListOf(ModuleShape Item) : ModuleShape;

    /// <param name="Names">What a name is.</param>
    public sealed record MapOf(string Names, ModuleShape Value) : ModuleShape;

    /// <summary>A map with these keys.</summary>
    public sealed record Members(string Name, params IReadOnlyList<ModuleKey> Keys) : ModuleShape;

    /// <summary>A text of the first shape, or a map of the second.</summary>
    public sealed record Either(ModuleShape Short, Members Long) : ModuleShape;

    /// <summary>Any JSON, with templates as texts.</summary>
    public sealed record Json : ModuleShape;

    /// <summary>What must be written, as the end of a sentence.</summary>
    public string Expected => this switch
    {
        Text text => text.Help,
        FormulaText => "a formula",
        Duration => "a duration, such as 15m",
        Number number => $"a number from {number.Least} to {number.Most}",
        Flag => "true or false",
        Choice choice => $"one of {string.Join(", ", choice.Names)}",
        ListOf list => $"a list, each item {list.Item.Expected}",
        MapOf map => $"a map of {map.Names}",
        Members { Keys: var keys } => $"a map with {string.Join(", ", keys.Select(key => key.Name))}",
        Either either => $"{either.Short.Expected}, or {either.Long.Expected}",
        _ => "JSON",
    };

    /// <summary>Reports everything in a value that has another shape, also below it.</summary>
    /// <returns>Whether the value itself has the shape.</returns>
    public bool Check(YamlValue value, ModuleProblems problems)
    {
        switch (this, value)
        {
            case (Json, _):
                return true;
            case (Members shape, YamlValue.Map map):
                CheckKeys(shape, map, problems);
                return true;
            case (MapOf shape, YamlValue.Map map):
                return map.Entries.Where(entry => !shape.Value.Check(entry.Value, problems)).ToList().Count == 0;
            case (ListOf shape, YamlValue.List list):
                return list.Items.Where(item => !shape.Item.Check(item, problems)).ToList().Count == 0;
            case (ListOf shape, YamlValue.Scalar):
                return shape.Item.Check(value, problems);
            case (Either shape, YamlValue.Map):
                return shape.Long.Check(value, problems);
            case (Either shape, _):
                return shape.Short.Check(value, problems);
            case (Text or FormulaText or Duration, YamlValue.Scalar { Text.Length: > 0 }):
                return true;
            case (Flag, YamlValue.Scalar { Text: "true" or "false" or "yes" or "no" }):
                return true;
            case (Number number, YamlValue.Scalar { Text: { } text }) when int.TryParse(text, out var parsed) && parsed >= number.Least
                && parsed <= number.Most:
                return true;
            case (Choice choice, YamlValue.Scalar { Text: { } text }) when choice.Names.Contains(text):
                return true;
            case (Choice choice, YamlValue.Scalar { Text: { } text }):
                problems.Add(value, $"there is no {Sanitize.Line(text, 60)} here{Nearest.Remedy(text, choice.Names, $"write {Expected}")}");
                return false;
            case (FormulaText, YamlValue.List):
                problems.Add(value, "this is a list, where a formula is expected; a formula that starts with [ needs quotes around it");
                return false;
            case (Text or FormulaText, YamlValue.Map):
                problems.Add(value, $"this is a map, where {Expected} is expected; a text with braces needs quotes around it");
                return false;
            default:
                problems.Add(value, $"this must be {Expected}");
                return false;
        }
    }

    private static void CheckKeys(Members shape, YamlValue.Map map, ModuleProblems problems)
    {
        foreach (var entry in map.Entries)
        {
            if (shape.Keys.FirstOrDefault(key => key.Name == entry.Key) is { } known)
            {
                known.Shape.Check(entry.Value, problems);
            }
            else
            {
                problems.Add(entry, $"{shape.Name} has no key {Sanitize.Line(entry.Key, 60)}"
                    + Nearest.Remedy(entry.Key, shape.Keys.Select(key => key.Name),
                        $"there are {string.Join(", ", shape.Keys.Select(key => key.Name))}"));
            }
        }
        foreach (var key in shape.Keys.Where(key => key.IsRequired && map.Entries.All(entry => entry.Key != key.Name)))
        {
            problems.Add(map, $"{shape.Name} needs {key.Name}: {key.Shape.Expected}");
        }
    }
}

/// <param name="Help">One sentence for the documentation and editors.</param>
internal sealed record ModuleKey(string Name, ModuleShape Shape, string Help, bool IsRequired = false);

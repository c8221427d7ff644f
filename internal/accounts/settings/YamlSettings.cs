namespace Exporter.Accounts;

internal static class YamlSettings
{
    public static RawValue ToRawValue(YamlValue value, Origin origin) => value switch
    {
        YamlValue.Scalar { Text: { } text } => new RawValue([text], origin),
        YamlValue.List { Items: { Count: > 0 } items } =>
            new RawValue([.. items.Select(item => (item as YamlValue.Scalar)?.Text ?? "")], origin, IsYamlList: true),
        _ => new RawValue([""], origin),
    };

    /// <summary>Whether the value has the shape that the setting requires; otherwise adds a problem.</summary>
    public static bool HasShape(Setting setting, YamlValue value, Origin origin, Problems problems)
    {
        var wrong = value switch
        {
            YamlValue.Scalar => null,
            YamlValue.List { Items.Count: > 0 } list when setting.IsList => list.Items.All(item => item is YamlValue.Scalar { Text.Length: > 0 })
                ? null
                : "each item of this list must be a single value",
            YamlValue.List { Items.Count: 0 } when setting.IsList => "this list is empty; write an item, or remove the setting",
            YamlValue.List => "this must be a single value, not a list",
            _ => setting.IsList ? "this must be a list, not a map" : "this must be a single value, not a map",
        };
        if (wrong is not null)
        {
            problems.Add(origin.Problem(wrong));
        }
        return wrong is null;
    }
}

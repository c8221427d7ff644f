namespace Exporter.Web;

/// <summary>The settings of the API. Immutable.</summary>
/// <param name="KeysFile">The path of the file of API keys; null if there is none, and the API then rejects every request.</param>
public sealed record ApiOptions(string? KeysFile)
{
    public static readonly Setting<string> KeysFileSetting = Exporter.Accounts.Settings.Path("api_keys_file",
        "File with the keys of programs that use the API; read again when it changes.", flag: "--web.api-keys-file");

    /// <summary>For a program with shared accounts.</summary>
    public static IReadOnlyList<Setting> Settings { get; } = [KeysFileSetting];

    internal ApiKeys Keys { get; init; } = ApiKeys.None;

    public static ApiOptions Read(Section section)
    {
        if (section.Find(KeysFileSetting) is not { } file)
        {
            return new ApiOptions(KeysFile: null);
        }
        var (text, problem) = SmallFile.Read(file, YamlFile.Largest, isReadAgain: true);
        if (text is null)
        {
            section.Problem(KeysFileSetting, problem!);
            return new ApiOptions(file);
        }
        var (keys, problems) = ApiKeyReader.Read(file, text);
        foreach (var one in problems)
        {
            section.Add(one);
        }
        return new ApiOptions(file) { Keys = keys ?? ApiKeys.None };
    }
}

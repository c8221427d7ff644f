namespace Exporter.Accounts;

/// <summary>A file with defaults for the settings of accounts.</summary>
/// <param name="Name">Its name as the user wrote it, for messages.</param>
/// <param name="Directory">The directory of relative paths in it.</param>
/// <param name="Subject">The key in the file that has the defaults below it: <c>oauth</c>.</param>
public sealed record DefaultsFile(string Name, string Directory, string Subject)
{
    internal Origin At(YamlEntry entry) => new(Layer.Module, $"{Name}:{entry.Line}", Directory, $"{Subject}.{Quote.Plain(entry.Key)}");

    internal string Unknown(string key, IReadOnlyList<Setting> settings)
    {
        var names = Setting.WithFiles(settings).Select(setting => setting.Key).ToList();
        return "there is no such setting" + Nearest.Remedy(key, names, $"{Subject} has {string.Join(", ", names)}");
    }
}

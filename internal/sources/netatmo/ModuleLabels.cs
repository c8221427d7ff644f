using System.Globalization;

namespace Exporter.Netatmo;

/// <summary>A module with its labels home, station and module. No other module of the reading has the same labels.</summary>
internal sealed record LabelledModule(Module Module, LabelSet Labels)
{
    /// <summary>
    /// Gives every module unique labels. Users choose the names, so names can repeat; netatmo-exporter then failed the whole scrape.
    /// Only modules with equal names get a suffix, so a second "Bedroom" changes only the series of the first.
    /// </summary>
    public static IReadOnlyList<LabelledModule> From(IReadOnlyList<Module> modules)
    {
        var repeated = modules.CountBy(Plain).Where(c => c.Value > 1).Select(c => c.Key).ToHashSet();
        var taken = modules.Select(Plain).Where(names => !repeated.Contains(names)).ToHashSet();
        return [.. modules.Select(module =>
        {
            var names = repeated.Contains(Plain(module)) ? Unique(module, taken) : Plain(module);
            return new LabelledModule(module, LabelSet.Of(("home", names.Home), ("module", names.Module), ("station", names.Station)));
        })];
    }

    private static Names Plain(Module module) => new(module.Home ?? "", module.Station ?? "", module.Name ?? ById(module));

    // The id makes a name unique unless Netatmo sent none or another module has exactly this name; then a number follows.
    private static Names Unique(Module module, HashSet<Names> taken)
    {
        var plain = Plain(module);
        var byId = module.Name is null ? plain.Module : $"{plain.Module} {ById(module)}";
        var unique = plain with { Module = byId };
        for (var number = 2; !taken.Add(unique); number++)
        {
            unique = plain with { Module = string.Create(CultureInfo.InvariantCulture, $"{byId} #{number}") };
        }
        return unique;
    }

    private static string ById(Module module) => $"id-{module.Id}";

    private sealed record Names(string Home, string Station, string Module);
}

using System.Globalization;
using Exporter.Metrics;

namespace Exporter.Netatmo;

/// <summary>A module with the labels it goes by: home, station and module, which no other module of the reading has.</summary>
internal sealed record Named(Module Module, LabelSet Labels);

/// <summary>
/// Gives every module labels of its own. Names are people's, and repeat: netatmo-exporter then served no page at all. Only the
/// modules concerned are told apart, so that a second "Bedroom" changes no series but those of the first.
/// </summary>
internal static class NetatmoNames
{
    public static IEnumerable<Named> Of(IReadOnlyList<Module> modules)
    {
        var repeated = modules.CountBy(Plain).Where(c => c.Value > 1).Select(c => c.Key).ToHashSet();
        var taken = modules.Select(Plain).Where(names => !repeated.Contains(names)).ToHashSet();
        foreach (var module in modules)
        {
            var names = Plain(module);
            var own = repeated.Contains(names) ? Unique(module, taken) : names;
            yield return new Named(module, LabelSet.Of(("home", own.Home), ("module", own.Module), ("station", own.Station)));
        }
    }

    private static Names Plain(Module module) => new(module.Home ?? "", module.Station ?? "", module.Name ?? ById(module));

    // An id is enough, unless the provider sent none or somebody gave a module just this name: then they are numbered.
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

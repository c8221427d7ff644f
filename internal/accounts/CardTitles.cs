using System.Globalization;

namespace Exporter.Accounts;

/// <summary>Unique titles of cards for things whose names can repeat.</summary>
public static class CardTitles
{
    /// <summary>Chooses the first title of each thing that no other thing can have, or the last one, with a number if it is taken.</summary>
    /// <param name="candidates">The possible titles of each thing, preferred first; at least one.</param>
    public static IReadOnlyList<string> Choose(IReadOnlyList<IReadOnlyList<string>> candidates)
    {
        var counts = candidates.SelectMany(titles => titles.Distinct()).CountBy(title => title).ToDictionary();
        var taken = new HashSet<string>();
        return [.. candidates.Select(titles =>
        {
            var found = titles.FirstOrDefault(title => counts[title] == 1) ?? titles[^1];
            var unique = found;
            for (var number = 2; !taken.Add(unique); number++)
            {
                unique = string.Create(CultureInfo.InvariantCulture, $"{found} #{number}");
            }
            return unique;
        })];
    }
}

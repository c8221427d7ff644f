using System.Globalization;

namespace Exporter.Ergani;

/// <summary>Turns a reading into metrics. Counts only: labels contain no names, tax numbers or other texts from Ergani.</summary>
internal static class ErganiMetrics
{
    public static IEnumerable<MetricFamily> From(ErganiReading reading)
    {
        (string Name, string Help, int? Value)[] gauges =
        [
            ("ergani_available_submissions", "Kinds of submission that the account can make.", reading.Submissions),
            ("ergani_available_services", "Services that the account can execute.", reading.Services),
            ("ergani_employer_in_card_sector", "Whether the employer is in a sector with the digital work card.",
                reading.InCardSector is { } inCardSector ? Convert.ToInt32(inCardSector) : null),
            ("ergani_branches", "Branches of the employer, including its seat.", reading.Branches),
        ];
        foreach (var (name, help, value) in gauges.Where(gauge => gauge.Value is not null))
        {
            yield return MetricFamily.Gauge(name, help, value!.Value);
        }
        if (reading.Workforce is { } workforce)
        {
            yield return MetricFamily.Gauge("ergani_workforce_employees",
                "Employees at present, by serial number of their branch: 0 is the seat, unknown a branch without a number.",
                from count in workforce
                orderby count.Key
                let branch = count.Key < 0 ? "unknown" : count.Key.ToString(CultureInfo.InvariantCulture)
                select new Sample(LabelSet.Of(("branch", branch)), count.Value));
        }
    }
}

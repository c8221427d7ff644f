using System.Globalization;
using Exporter.Metrics;

namespace Exporter.Ergani;

/// <summary>Turns a reading into metrics. Counts only: labels contain no names, tax numbers or other texts from Ergani.</summary>
internal static class ErganiMetrics
{
    public static IEnumerable<MetricFamily> From(ErganiReading reading)
    {
        if (reading.Submissions is { } submissions)
        {
            yield return MetricFamily.Gauge("ergani_available_submissions", "Kinds of submission that the account can make.", submissions);
        }
        if (reading.Services is { } services)
        {
            yield return MetricFamily.Gauge("ergani_available_services", "Services that the account can execute.", services);
        }
        if (reading.InCardSector is { } inCardSector)
        {
            yield return MetricFamily.Gauge(
                "ergani_employer_in_card_sector", "Whether the employer is in a sector with the digital work card.", inCardSector ? 1 : 0);
        }
        if (reading.Branches is { } branches)
        {
            yield return MetricFamily.Gauge("ergani_branches", "Branches of the employer, including its seat.", branches);
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

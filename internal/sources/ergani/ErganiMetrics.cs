using System.Globalization;
using Exporter.Metrics;

namespace Exporter.Ergani;

/// <summary>Reading and call counts in, families out, and nothing else. Counts only: no name, no tax number, no text from the provider in a label.</summary>
internal static class ErganiMetrics
{
    public static IEnumerable<MetricFamily> From(ErganiReading reading)
    {
        if (reading.Submissions is { } submissions)
        {
            yield return MetricFamily.Gauge("ergani_available_submissions", "Kinds of submission that the account may make.", submissions);
        }
        if (reading.Services is { } services)
        {
            yield return MetricFamily.Gauge("ergani_available_services", "Services that the account may execute.", services);
        }
        if (reading.InCardSector is { } inCardSector)
        {
            yield return MetricFamily.Gauge("ergani_employer_in_card_sector", "Whether the employer is in a sector that has the digital work card.", inCardSector ? 1 : 0);
        }
        if (reading.Branches is { } branches)
        {
            yield return MetricFamily.Gauge("ergani_branches", "Branches of the employer, its seat included.", branches);
        }
        if (reading.Workforce is { } workforce)
        {
            yield return MetricFamily.Gauge("ergani_workforce_employees", "Employees at present, by the serial number of their branch; 0 is the seat, unknown is none that is a number.",
                workforce.OrderBy(w => w.Key).Select(w => new Sample(LabelSet.Of(("branch", w.Key < 0 ? "unknown" : w.Key.ToString(CultureInfo.InvariantCulture))), w.Value)));
        }
    }
}

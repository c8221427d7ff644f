namespace Exporter.Accounts;

/// <summary>How many series one account may have, so that no response of a provider fills the memory.</summary>
public sealed record SeriesLimit(int Most)
{
    /// <summary>On average. A long text is in every series of its device.</summary>
    private const int CharactersPerSeries = 500;

    public static SeriesLimit Default { get; } = new(20_000);

    /// <summary>The failure of a reading with these metrics; null if it is within the limit.</summary>
    public ApiFailure? Check(IReadOnlyList<MetricFamily> families)
    {
        var characters = families.Sum(family => family.Samples.Sum(sample => sample.Labels.Values.Sum(value => (long)value.Length)));
        return Check(families.Sum(family => family.Samples.Count))
            ?? (characters <= (long)CharactersPerSeries * Most ? null : new ApiFailure.Rejected(
                $"The labels of the reading have {characters} characters, more than {CharactersPerSeries} for each series of max_series ({Most})."));
    }

    /// <summary>The failure of a reading with so many series, each of which would take memory; null if it is within the limit.</summary>
    /// <param name="prefix"><c>"at least "</c> before all series are counted.</param>
    public ApiFailure? Check(int series, string prefix = "") => series <= Most ? null : new ApiFailure.Rejected(
        $"The reading has {prefix}{series} series, more than max_series ({Most}); raise max_series or let the account read less.");
}

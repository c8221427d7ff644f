namespace Exporter.Netatmo;

/// <summary>
/// netatmo-exporter's own metrics, with their names, helps and meanings. Two bugs are fixed: <c>netatmo_up</c> is 0 until the first
/// successful refresh, and an unknown expiry is 0.
/// </summary>
internal static class NetatmoStatus
{
    /// <summary>Evaluated at each scrape, because a token expires without any event.</summary>
    /// <param name="stations">The number of stations in the last reading; null before the first.</param>
    public static IReadOnlyList<LiveValue> Live(TimeSpan refreshInterval, Func<int?> stations, TimeProvider time)
    {
        return
        [
            Reading("netatmo_up", "Zero if there was an error during the last refresh try.", status => status.Up ? 1 : 0),
            Reading("netatmo_refresh_interval_seconds",
                "Contains the configured refresh interval in seconds. This is provided as a convenience for calculations with the cache update time.",
                _ => refreshInterval.TotalSeconds),
            Reading("netatmo_last_refresh_time", "Contains the time of the last refresh try, successful or not.", status => Seconds(status.LastTry)),
            Reading("netatmo_last_refresh_duration_seconds",
                "Contains the time it took for the last refresh to complete, even if it was unsuccessful.",
                status => status.LastDuration?.TotalSeconds ?? 0),
            Reading("netatmo_cache_updated_time", "Contains the time of the cached data.", status => Seconds(status.ReadAt)),
            new("netatmo_stations", "Stations and Home Coaches in the last reading.", MetricKind.Gauge, _ => stations()),
            ValidToken("netatmo_exporter_token_valid", "Set to 1 if there is a valid token, 0 otherwise.", _ => 1),
            ValidToken("netatmo_exporter_token_expiry_time", "Set to the unix timestamp when the token will expire. 0 if no expiry is set.",
                token => Seconds(token.ExpiresAt)),
        ];

        LiveValue Reading(string name, string help, Func<ReadingStatus, double> value) =>
            new(name, help, MetricKind.Gauge, snapshot => value(snapshot.ReadingStatus!));

        LiveValue ValidToken(string name, string help, Func<Token, double> value) => new(name, help, MetricKind.Gauge,
            snapshot => snapshot.Token.State.Token is { } token && token.IsUsable(time.GetUtcNow()) ? value(token) : 0);
    }

    private static double Seconds(DateTimeOffset? time) => (time?.ToUnixTimeMilliseconds() ?? 0) / 1000.0;
}

using Exporter.Metrics;
using Exporter.Accounts;

namespace Exporter.Netatmo;

/// <summary>
/// netatmo-exporter's own metrics, with their names, helps and meanings. Two bugs are fixed: <c>netatmo_up</c> is 0 until the first
/// successful refresh, and an unknown expiry is 0.
/// </summary>
/// <param name="Up">Whether the last refresh succeeded.</param>
/// <param name="LastRefresh">When the last refresh began, successful or not; null before the first.</param>
/// <param name="LastRefreshDuration">Null until the first refresh has completed.</param>
/// <param name="CacheUpdated">When the last successful refresh began; null before it.</param>
/// <param name="TokenValid">Whether there is an access token that has not expired.</param>
internal readonly record struct NetatmoStatus(
    bool Up,
    TimeSpan RefreshInterval,
    DateTimeOffset? LastRefresh,
    TimeSpan? LastRefreshDuration,
    DateTimeOffset? CacheUpdated,
    bool TokenValid,
    DateTimeOffset? TokenExpiry)
{
    private static readonly Gauge[] Gauges =
    [
        new("netatmo_up", "Zero if there was an error during the last refresh try.", s => s.Up ? 1 : 0),
        new("netatmo_refresh_interval_seconds",
            "Contains the configured refresh interval in seconds. This is provided as a convenience for calculations with the cache update time.",
            s => s.RefreshInterval.TotalSeconds),
        new("netatmo_last_refresh_time", "Contains the time of the last refresh try, successful or not.", s => Seconds(s.LastRefresh)),
        new("netatmo_last_refresh_duration_seconds",
            "Contains the time it took for the last refresh to complete, even if it was unsuccessful.",
            s => s.LastRefreshDuration?.TotalSeconds ?? 0),
        new("netatmo_cache_updated_time", "Contains the time of the cached data.", s => Seconds(s.CacheUpdated)),
        new("netatmo_exporter_token_valid", "Set to 1 if there is a valid token, 0 otherwise.", s => s.TokenValid ? 1 : 0),
        new("netatmo_exporter_token_expiry_time", "Set to the unix timestamp when the token will expire. 0 if no expiry is set.",
            s => s.TokenValid ? Seconds(s.TokenExpiry) : 0),
    ];

    public static IReadOnlyList<(string Name, string Help)> Families { get; } = [.. Gauges.Select(g => (g.Name, g.Help))];

    /// <summary>Evaluated at each scrape, because a token expires without any event.</summary>
    public static IReadOnlyList<LiveValue> Live(Func<AccountSnapshot, NetatmoStatus> statusOf) =>
        [.. Gauges.Select(g => new LiveValue(g.Name, g.Help, MetricKind.Gauge, snapshot => g.Value(statusOf(snapshot))))];

    private static double Seconds(DateTimeOffset? time) => (time?.ToUnixTimeMilliseconds() ?? 0) / 1000.0;

    private sealed record Gauge(string Name, string Help, Func<NetatmoStatus, double> Value);
}

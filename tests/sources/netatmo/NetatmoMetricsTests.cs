using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Netatmo;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Netatmo;

public class NetatmoMetricsTests
{
    private static readonly NetatmoMetricsOptions Options = new(AgeStale: TimeSpan.FromHours(1));

    [Theory]
    [MemberData(nameof(Responses.Names), MemberType = typeof(Responses))]
    public void A_response_is_exported(string name) =>
        Check(name, NetatmoMetrics.From(Responses.Reading($"{name}.json"), Options, Responses.Now));

    [Fact]
    public void The_location_is_exported_only_if_the_setting_is_on()
    {
        var reading = Responses.Reading("stations.json");
        var without = NetatmoMetrics.From(reading, Options, Responses.Now).Select(f => f.Name);

        Check("place", NetatmoMetrics.From(reading, Options with { Location = true }, Responses.Now).ExceptBy(without, f => f.Name));
    }

    [Fact]
    public void Stations_and_Home_Coaches_share_a_page()
    {
        var apart = new[] { "stations.json", "homecoachs.json" }.Sum(name => Temperatures(Responses.Reading(name)));

        Assert.Equal(6, apart);
        Assert.Equal(apart, Temperatures(Responses.Reading("stations.json", "homecoachs.json")));
    }

    [Fact]
    public void A_module_becomes_stale_at_the_predicted_time()
    {
        var reading = Responses.Reading("stations.json");
        var now = Responses.Now;
        var moments = new List<DateTimeOffset>();
        while (NetatmoMetrics.StaleAt(reading, Options, now) is { } next)
        {
            var before = Count(reading, now);
            Assert.Equal(before, Count(reading, next - TimeSpan.FromTicks(1)));
            Assert.True(Count(reading, next) < before);
            moments.Add(now = next);
        }

        Assert.Equal(reading.Modules.Select(m => m.Measured!.At + Options.AgeStale + TimeSpan.FromTicks(1)).Order(), moments.Cast<DateTimeOffset?>());
        Assert.Equal(0, Temperatures(reading, now));
    }

    [Fact]
    public void A_maximum_stale_age_never_expires()
    {
        var options = Options with { AgeStale = TimeSpan.MaxValue };

        Assert.Null(NetatmoMetrics.StaleAt(Responses.Reading("stations.json"), options, Responses.Now));
        var families = NetatmoMetrics.From(Responses.Reading("stations.json"), options, Responses.Now);
        Assert.Contains(families, f => f.Name == "netatmo_sensor_temperature_celsius");
    }

    [Fact]
    public void An_empty_reading_has_no_families() => Assert.Empty(NetatmoMetrics.From(new NetatmoReading(null, []), Options, Responses.Now));

    [Fact]
    public void Before_the_first_refresh_all_values_except_the_interval_are_zero() =>
        Check("status-first", Status(TimeSpan.FromMinutes(8), new ReadingStatus(), token: null));

    [Fact]
    public void The_status_has_refresh_and_token() =>
        Check("status", Status(
            TimeSpan.FromSeconds(90),
            new ReadingStatus { Up = true, LastTry = Responses.Now, LastDuration = TimeSpan.FromMilliseconds(412), ReadAt = Responses.Now },
            new Token { AccessToken = new Secret("a"), ExpiresAt = Responses.Now.AddHours(3) }));

    private static IEnumerable<MetricFamily> Status(TimeSpan interval, ReadingStatus reading, Token? token)
    {
        TokenState state = token is null ? new TokenState.Missing() : new TokenState.Active(token, Responses.Now, 0);
        var snapshot = new AccountSnapshot(null!, TokenSnapshot.Initial with { State = state }, ReadingMetrics.None with { Status = reading });
        return NetatmoStatus.Live(interval, () => reading.ReadAt is null ? null : 2, new ManualTime(Responses.Now))
            .Where(live => live.Read(snapshot) is not null)
            .Select(live => MetricFamily.Gauge(live.Name, live.Help, live.Read(snapshot)!.Value));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void An_unknown_or_invalid_expiry_is_zero(bool valid, bool known)
    {
        var token = new Token { AccessToken = valid ? new Secret("a") : null, ExpiresAt = known ? Responses.Now.AddHours(3) : null };

        var status = Status(TimeSpan.FromMinutes(8), new ReadingStatus { Up = true }, token);

        Assert.Equal(0, status.Single(f => f.Name == "netatmo_exporter_token_expiry_time").Samples.Single().Value);
    }

    [Fact]
    public void A_recorded_response_is_exported_completely()
    {
        var file = Path.Combine(Golden.Root, "../../shared/fixtures/netatmo/stations.json");
        Assert.SkipUnless(File.Exists(file), "There is no ../shared/fixtures beside the checkout.");

        var reading = Responses.Reading(File.ReadAllBytes(file));
        var families = NetatmoMetrics.From(reading, Options with { AgeStale = TimeSpan.FromDays(3650) }, Responses.Now).ToDictionary(f => f.Name);

        Assert.Equal((6, 18), (reading.Modules.Select(m => m.StationId).Distinct().Count(), reading.Modules.Count));
        Assert.Equal(18, families["netatmo_sensor_info"].Samples.Count);
        Assert.Equal(16, families["netatmo_sensor_updated"].Samples.Count);
        Assert.Equal(6, families["netatmo_sensor_noise_db"].Samples.Count);
    }

    private static void Check(string name, IEnumerable<MetricFamily> families) =>
        Golden.CheckPage($"sources/netatmo/testdata/{name}.prom", Pages.Text(families));

    private static int Temperatures(NetatmoReading reading, DateTimeOffset? now = null) =>
        NetatmoMetrics.From(reading, Options, now ?? Responses.Now)
            .Where(f => f.Name == "netatmo_sensor_temperature_celsius").Sum(f => f.Samples.Count);

    private static int Count(NetatmoReading reading, DateTimeOffset now) => NetatmoMetrics.From(reading, Options, now).Sum(f => f.Samples.Count);
}

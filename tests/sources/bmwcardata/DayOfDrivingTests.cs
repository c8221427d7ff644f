using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Against the stand-in for BMW's stream, which ends every connection with its id token and lets an account have one.</summary>
[Trait("Suite", "slow")]
public class DayOfDrivingTests
{
    private const string Odometer = "vehicle.vehicle.travelledDistance";

    /// <summary>What the car leaves between two messages. Each shows that the stream was there.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_a_day_with_hourly_token_ends_the_stream_is_never_away_for_15_seconds()
    {
        await using var drive = await Drive.Begin();
        var (end, longest, messages) = (ManualTime.Start.AddDays(1), TimeSpan.Zero, 0);
        for (var last = drive.Bench.Time.GetUtcNow(); last < end;)
        {
            drive.Bench.Time.Advance(Interval);
            await drive.Settled();
            await drive.Send(++messages);
            var now = drive.Bench.Time.GetUtcNow();
            (longest, last) = (now - last > longest ? now - last : longest, now);
        }

        var renewals = drive.Bench.TokenManager.Snapshot.History.Renewals;
        Assert.InRange(renewals, 24, 30);
        Assert.InRange(longest, Interval, TimeSpan.FromSeconds(15));
        Assert.Equal(renewals + 1, drive.Broker.Connects);
        // All of them planned: the broker never had to end one.
        Assert.Equal([("new_token", (double)renewals)], drive.Disconnects());
        Assert.Equal(messages, drive.Bench.Feed.Reading.Cars[Car.Electric].Messages);
        Assert.DoesNotContain(drive.Bench.Logs.All, line => line.Contains("there is no stream", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Taken_over_by_another_program_it_says_so_and_stays_away_for_long()
    {
        await using var drive = await Drive.Begin();
        await using var other = new StreamBench(drive.Broker.EndPoint.Port, drive.Broker.CertificatePem);
        await other.Start();
        await other.UntilConnected();

        await drive.Bench.Until(() => drive.Bench.Feed.Status is { Failure: not null, NextTry: not null });

        Assert.Contains("another program has taken BMW's stream over", Assert.IsType<ApiFailure.Rejected>(drive.Bench.Feed.Status.Failure).Reason, StringComparison.Ordinal);
        Assert.True(drive.Bench.Feed.Status.NextTry - ManualTime.Start >= TimeSpan.FromMinutes(10));
        Assert.Equal([("taken_over", 1d)], drive.Disconnects());
    }

    [Theory]
    [InlineData(0x97, 60, "limited")]
    [InlineData(0x9F, 60, "limited")]
    [InlineData(0x89, 10, "server")]
    [InlineData(0x8A, 300, "refused")]
    public async Task A_refusal_is_waited_out_as_long_as_it_asks_for(byte code, int seconds, string word)
    {
        await using var drive = await Drive.Begin();
        drive.Broker.Refusal = code;
        drive.Broker.Cut();

        await drive.Bench.Until(() => drive.Bench.Value("bmw_mqtt_connects_total", ("result", word)) == 1 && drive.Bench.Feed.Status.NextTry is not null);

        Assert.True(drive.Bench.Feed.Status.NextTry - drive.Bench.Time.GetUtcNow() >= TimeSpan.FromSeconds(seconds));
        drive.Broker.Refusal = null;
        await drive.Bench.UntilConnected();
    }

    [Fact]
    public async Task A_network_that_breaks_is_back_within_15_seconds()
    {
        await using var drive = await Drive.Begin();
        drive.Bench.Time.Advance(Interval);
        await drive.Send(1);
        var cut = drive.Bench.Time.GetUtcNow();

        drive.Broker.Cut();
        await drive.Bench.Until(() => drive.Bench.Value("bmw_mqtt_disconnects_total", ("reason", "network")) == 1);
        await drive.Bench.UntilConnected();

        Assert.InRange(drive.Bench.Time.GetUtcNow() - cut, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task Stopped_and_started_the_last_values_are_still_there_with_their_own_times()
    {
        await using var drive = await Drive.Begin();
        await drive.Send(1234);
        var before = drive.Bench.Value("bmw_cardata_value_timestamp_seconds", ("key", Odometer));
        drive.Broker.Refusal = 0x88;

        drive.Bench.Time.Advance(TimeSpan.FromMinutes(30));
        await drive.Bench.Restart();
        await drive.Bench.Until(() => drive.Bench.Feed.Reading.Cars.Count > 0);

        Assert.Equal(1_234_000, drive.Bench.Value("bmw_vehicle_odometer_meters"));
        Assert.Equal((ManualTime.Start.ToUnixTimeSeconds(), before), (before, drive.Bench.Value("bmw_cardata_value_timestamp_seconds", ("key", Odometer))));
        Assert.Equal(0, drive.Bench.Value("bmw_mqtt_messages_total"));
    }

    private sealed record Drive(BmwBroker Broker, StreamBench Bench) : IAsyncDisposable
    {
        public static async Task<Drive> Begin()
        {
            var time = new ManualTime();
            var broker = await BmwBroker.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), new BrokerRules(
                (account, password) => account == Mosquitto.User && Jwt.Expiry(new Secret(password)) is { } end && end > time.GetUtcNow() ? end : null, time));
            var bench = new StreamBench(broker.EndPoint.Port, broker.CertificatePem, time);
            for (var number = 1; number < 50; number++)
            {
                var next = number;
                bench.Grant.Then(_ => new Renewal.Renewed(StreamBench.Token(next, time.GetUtcNow().AddHours(1))));
            }
            await bench.Start();
            await bench.UntilConnected();
            return new Drive(broker, bench);
        }

        /// <summary>A renewal that is due is made, and the stream has the connection that belongs to it.</summary>
        public async Task Settled()
        {
            await Bench.TokenManager.VisitAsync(Cancellation);
            await Bench.Until(() => Bench.Feed.Status.Tries == 1 + Bench.TokenManager.Snapshot.History.Renewals && Bench.IsConnected);
        }

        /// <summary>The car sends a message, and it arrives.</summary>
        public async Task Send(int kilometers)
        {
            var message = Encoding.UTF8.GetBytes(Car.Says(Odometer, $"{kilometers}", "km", $"{Bench.Time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'}"));
            var takers = await Broker.PublishAsync($"{Mosquitto.User}/{Car.Electric}", message);
            Assert.True(takers == 1, $"{takers} took it at {Bench.Time.GetUtcNow():u}; {string.Join(", ", Disconnects())}; {string.Join("; ", Bench.Logs.All)}");
            await Bench.Until(() => Bench.Feed.Reading.Cars.GetValueOrDefault(Car.Electric)?.Values[Odometer].Value is Exporter.BmwCarData.BmwValue.Number(var number) && number == kilometers);
            // Its acknowledgement, too: else the clock would run ahead of what proves to the broker that somebody lives.
            while (Broker.LastHeard != Bench.Time.GetUtcNow())
            {
                Cancellation.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        public IEnumerable<(string Reason, double Count)> Disconnects() => Bench.Feed.Collect(Bench.Time.GetUtcNow()).Families.Single(f => f.Name == "bmw_mqtt_disconnects_total")
            .Samples.Where(s => s.Value > 0).Select(s => (s.Labels["reason"]!, s.Value));

        public async ValueTask DisposeAsync()
        {
            await Bench.DisposeAsync();
            await Broker.DisposeAsync();
        }
    }
}

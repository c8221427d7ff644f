using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Tests with the sandbox of BMW's stream, which closes a connection when its ID token expires and allows one for each account.</summary>
[Trait("Suite", "slow")]
public class DayOfDrivingTests
{
    private const string Odometer = "vehicle.vehicle.travelledDistance";

    /// <summary>The interval between two messages of the car.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_hourly_tokens_the_stream_is_never_interrupted_for_15_seconds_in_a_day()
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
        // The broker never had to close a connection.
        Assert.Equal([("new_token", (double)renewals)], drive.Disconnects());
        Assert.Equal(messages, drive.Bench.Feed.Reading.Cars[Car.Electric].Messages);
        Assert.DoesNotContain(drive.Bench.Logs.All, line => line.Contains("the stream is disconnected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_a_takeover_the_stream_reports_it_and_waits_for_long()
    {
        await using var drive = await Drive.Begin();
        await using var other = new StreamBench(drive.Broker.EndPoint.Port, drive.Broker.CertificatePem);
        await other.Start();
        await other.UntilConnected();

        await drive.Bench.Until(() => drive.Bench.Feed.Status is { Failure: not null, NextTry: not null });

        var failure = Assert.IsType<ApiFailure.Rejected>(drive.Bench.Feed.Status.Failure);
        Assert.Contains("another program took over BMW's stream", failure.Reason, StringComparison.Ordinal);
        Assert.True(drive.Bench.Feed.Status.NextTry - ManualTime.Start >= TimeSpan.FromMinutes(10));
        Assert.Equal([("taken_over", 1d)], drive.Disconnects());
    }

    [Theory]
    [InlineData(0x97, 60, "limited")]
    [InlineData(0x9F, 60, "limited")]
    [InlineData(0x89, 10, "server")]
    [InlineData(0x8A, 300, "refused")]
    public async Task Each_rejection_has_its_minimum_delay(byte code, int seconds, string label)
    {
        await using var drive = await Drive.Begin();
        drive.Broker.RejectionCode = code;
        drive.Broker.DropConnections();

        await drive.Bench.Until(() =>
            drive.Bench.Value("bmw_mqtt_connects_total", ("result", label)) == 1 && drive.Bench.Feed.Status.NextTry is not null);

        Assert.True(drive.Bench.Feed.Status.NextTry - drive.Bench.Time.GetUtcNow() >= TimeSpan.FromSeconds(seconds));
        drive.Broker.RejectionCode = null;
        await drive.Bench.UntilConnected();
    }

    [Fact]
    public async Task The_stream_reconnects_within_15_seconds_after_a_network_error()
    {
        await using var drive = await Drive.Begin();
        drive.Bench.Time.Advance(Interval);
        await drive.Send(1);
        var cut = drive.Bench.Time.GetUtcNow();

        drive.Broker.DropConnections();
        await drive.Bench.Until(() => drive.Bench.Value("bmw_mqtt_disconnects_total", ("reason", "network")) == 1);
        await drive.Bench.UntilConnected();

        Assert.InRange(drive.Bench.Time.GetUtcNow() - cut, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task The_last_values_and_their_times_survive_a_restart()
    {
        await using var drive = await Drive.Begin();
        await drive.Send(1234);
        var before = drive.Bench.Value("bmw_cardata_value_timestamp_seconds", ("key", Odometer));
        drive.Broker.RejectionCode = 0x88;

        drive.Bench.Time.Advance(TimeSpan.FromMinutes(30));
        await drive.Bench.Restart();
        await drive.Bench.Until(() => drive.Bench.Feed.Reading.Cars.Count > 0);

        Assert.Equal(1_234_000, drive.Bench.Value("bmw_vehicle_odometer_meters"));
        Assert.Equal(ManualTime.Start.ToUnixTimeSeconds(), before);
        Assert.Equal(before, drive.Bench.Value("bmw_cardata_value_timestamp_seconds", ("key", Odometer)));
        Assert.Equal(0, drive.Bench.Value("bmw_mqtt_messages_total"));
    }

    private sealed record Drive(BmwBroker Broker, StreamBench Bench) : IAsyncDisposable
    {
        public static async Task<Drive> Begin()
        {
            var time = new ManualTime();
            DateTimeOffset? ExpiryOf(string account, string password) =>
                account == Mosquitto.User && Jwt.Expiry(new Secret(password)) is { } expiry && expiry > time.GetUtcNow() ? expiry : null;
            var broker = await BmwBroker.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), new BrokerRules(ExpiryOf, time));
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

        /// <summary>Runs a due renewal, and waits for the connection with the new token.</summary>
        public async Task Settled()
        {
            await Bench.TokenManager.VisitAsync(Cancellation);
            await Bench.Until(() => Bench.Feed.Status.Tries == 1 + Bench.TokenManager.Snapshot.History.Renewals && Bench.IsConnected);
        }

        /// <summary>Sends a message of the car, and waits until it arrives.</summary>
        public async Task Send(int kilometers)
        {
            var message = Encoding.UTF8.GetBytes(Car.Message(Odometer, $"{kilometers}", "km", $"{Bench.Time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'}"));
            var subscribers = await Broker.PublishAsync($"{Mosquitto.User}/{Car.Electric}", message);
            Assert.True(subscribers == 1, $"{subscribers} subscribers; {string.Join(", ", Disconnects())}; {string.Join("; ", Bench.Logs.All)}");
            await Bench.Until(() => Bench.Feed.Reading.Cars.GetValueOrDefault(Car.Electric)?.Values[Odometer].Value
                is Exporter.BmwCarData.BmwValue.Number(var number) && number == kilometers);
            // Waits for the acknowledgement too, because the broker's keep-alive uses the same clock.
            while (Broker.LastPacketAt != Bench.Time.GetUtcNow())
            {
                Cancellation.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        public IEnumerable<(string Reason, double Count)> Disconnects() => Bench.Feed.Collect(Bench.Time.GetUtcNow()).Families
            .Single(f => f.Name == "bmw_mqtt_disconnects_total").Samples.Where(s => s.Value > 0).Select(s => (s.Labels["reason"]!, s.Value));

        public async ValueTask DisposeAsync()
        {
            await Bench.DisposeAsync();
            await Broker.DisposeAsync();
        }
    }
}

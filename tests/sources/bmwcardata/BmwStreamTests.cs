using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Against Debian's mosquitto, over TLS.</summary>
public class BmwStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Topic => $"{Mosquitto.User}/{Car.Electric}";

    [Fact]
    public async Task Messages_update_the_reading()
    {
        await using var run = await Run.Begin();
        await run.Bench.UntilConnected();

        await run.Broker.Publish(StreamBench.IdToken(0), Topic, Car.Messages("electric.jsonl"));
        await run.Bench.Until(() => run.Bench.Value("bmw_mqtt_messages_total", ("vin", Car.Electric)) == 6);

        Assert.Equal(0.66, run.Bench.Value("bmw_vehicle_battery_charge_ratio", ("source", "header")));
        Assert.True(run.Bench.Feed.Status is { Up: true, Failure: null, Tries: 1 } && run.Bench.Feed.Status.ReadAt == ManualTime.Start);
        Assert.Empty(await Promtool.Check(run.Bench.Page(), Cancellation));
        run.Bench.Logs.HoldNone(StreamBench.IdToken(0), Mosquitto.User + "/");
    }

    [Fact]
    public async Task Only_configured_cars_are_subscribed()
    {
        await using var run = await Run.Begin(Car.Combustion);
        await run.Bench.UntilConnected();

        await run.Broker.Publish(StreamBench.IdToken(0), Topic, Car.Messages("electric.jsonl"));
        await run.Broker.Publish(StreamBench.IdToken(0), $"{Mosquitto.User}/{Car.Combustion}", "{\"data\":{}}");
        await run.Bench.Until(() => run.Bench.Feed.Reading.Cars.Count > 0);

        Assert.Equal([Car.Combustion], run.Bench.Feed.Reading.Cars.Keys);
    }

    [Fact]
    public async Task A_new_token_opens_a_new_connection_before_the_old_token_expires()
    {
        await using var run = await Run.Begin();
        await run.Bench.UntilConnected();

        run.Bench.NextToken(1);
        await run.Bench.TokenManager.RenewAsync(null, Cancellation);
        await run.Bench.Until(() => run.Bench.Value("bmw_mqtt_disconnects_total", ("reason", "new_token")) == 1, advances: false);
        Assert.True(run.Bench.Feed.Status.Up);
        await run.Broker.ChangePassword(StreamBench.IdToken(1));
        await run.Bench.Until(() => run.Bench.Value("bmw_mqtt_connects_total", ("result", "accepted")) == 2);

        Assert.InRange(run.Bench.Time.GetUtcNow() - ManualTime.Start, BmwStream.BetweenConnects, TimeSpan.FromSeconds(15));
        await run.Broker.Publish(StreamBench.IdToken(1), Topic, Car.Messages("electric.jsonl"));
        await run.Bench.Until(() => run.Bench.Value("bmw_vehicle_battery_charge_ratio") is not null);
    }

    [Fact]
    public async Task A_rejected_token_is_renewed_once_and_replaced()
    {
        await using var run = await Run.Begin(password: 1);
        run.Bench.NextToken(1);

        await run.Bench.UntilConnected();

        Assert.Equal(1, run.Bench.Grant.Requests);
        Assert.Equal(1, run.Bench.Value("bmw_mqtt_connects_total", ("result", "token_refused")));
        Assert.InRange(run.Bench.Time.GetUtcNow() - ManualTime.Start, BmwStream.BetweenConnects, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_renewed_token_that_is_rejected_again_is_reported_and_retried_later()
    {
        await using var run = await Run.Begin(password: 9);
        run.Bench.NextToken(1);

        await run.Bench.Until(() =>
            run.Bench.Value("bmw_mqtt_connects_total", ("result", "token_refused")) == 3 && run.Bench.Feed.Status.NextTry is not null);

        Assert.Equal(1, run.Bench.Grant.Requests);
        var failure = Assert.IsType<ApiFailure.TokenRefused>(run.Bench.Feed.Status.Failure);
        Assert.Contains("rejected the ID token", failure.Reason, StringComparison.Ordinal);
        Assert.False(run.Bench.Feed.Status.Up);
        Assert.True(run.Bench.Feed.Status.NextTry - run.Bench.Time.GetUtcNow() >= TimeSpan.FromSeconds(30));
        run.Bench.Logs.HoldNone(StreamBench.IdToken(0), StreamBench.IdToken(1));
    }

    [Fact]
    public async Task An_expired_ID_token_is_not_sent()
    {
        await using var run = await Run.Begin(password: 3);
        await run.Bench.Stop();
        run.Bench.NextToken(3);
        run.Bench.Time.Advance(TimeSpan.FromHours(2));
        // The access token expires later than the ID token.
        await run.Bench.TokenManager.AdoptAsync(StreamBench.Token(0) with { ExpiresAt = ManualTime.Start.AddHours(9) }, Cancellation);

        await run.Bench.Restart();
        await run.Bench.UntilConnected();

        Assert.Equal((1, 0d), (run.Bench.Grant.Requests, run.Bench.Value("bmw_mqtt_connects_total", ("result", "token_refused"))));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public async Task The_stream_reconnects_after_a_restart_of_the_broker(string signal)
    {
        await using var run = await Run.Begin();
        await run.Bench.UntilConnected();
        run.Bench.Time.Advance(TimeSpan.FromSeconds(20));

        await run.Broker.Stop(signal);
        await run.Bench.Until(() => run.Bench.Feed.Status.Failure is ApiFailure.Unavailable);
        Assert.Equal((false, 0d), (run.Bench.Feed.Status.Up, run.Bench.Value("bmw_mqtt_connected")));
        var lost = run.Bench.Time.GetUtcNow();
        await run.Broker.Start();
        await run.Bench.UntilConnected();

        Assert.InRange(run.Bench.Time.GetUtcNow() - lost, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.True(run.Bench.Feed.Status is { Up: true, Failure: null });
        await run.Broker.Publish(StreamBench.IdToken(0), Topic, Car.Messages("electric.jsonl"));
        await run.Bench.Until(() => run.Bench.Value("bmw_vehicle_battery_charge_ratio") is not null);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_delay_the_next_attempt()
    {
        await using var bench = new StreamBench(port: 1, certificate: "");
        await bench.Start();
        await bench.Time.AdvanceUntilAsync(() => bench.Feed.Status.NextTry is not null && bench.Time.Waiting > 0, TimeSpan.FromMinutes(1));
        var (first, started) = (bench.Feed.Status.LastTry, bench.Time.GetTimestamp());

        bench.Time.StepWallClock(-TimeSpan.FromHours(2));
        await bench.Time.AdvanceUntilAsync(() => bench.Feed.Status.LastTry != first, TimeSpan.FromDays(1));

        Assert.InRange(bench.Time.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task The_stream_reconnects_after_another_client_took_over()
    {
        await using var run = await Run.Begin();
        await run.Bench.UntilConnected();
        var (other, _) = await MqttConnection.ConnectAsync(
            run.Broker.Options(StreamBench.IdToken(0), Mosquitto.User), _ => { }, TimeProvider.System, NullLogger.Instance, Cancellation);
        await using var connection = other!;

        await run.Bench.Until(() => run.Bench.Value("bmw_mqtt_connects_total", ("result", "accepted")) == 2);

        Assert.True(await connection.Ended is { Label: ConnectionEnd.TakenOver or "network" });
    }

    [Theory]
    [InlineData("30 FFFFFF7F")] // A message that announces 256 MB.
    [InlineData("FF FFFFFFFFFF")] // A length without an end.
    [InlineData("90 01 00")] // A SUBACK that is too short.
    [InlineData("90 04 0063 00 00")] // A SUBACK without a SUBSCRIBE.
    [InlineData("30 04 0009 6162")] // A topic longer than its packet.
    [InlineData("485454502F312E3120343030")] // HTTP/1.1 400, which looks like the start of a PUBACK.
    public async Task Invalid_packets_close_the_connection_and_increase_the_retry_delay(string hex)
    {
        await using var server = new BrokenServer([.. ScriptedServer.Bytes(hex), .. new byte[200]]);
        await using var bench = new StreamBench(server.Port, server.CertificatePem);
        await bench.Start();

        await bench.Until(() => bench.Value("bmw_mqtt_connects_total", ("result", "protocol")) == 3 && bench.Feed.Status.NextTry is not null);

        var failure = Assert.IsType<ApiFailure.Unavailable>(bench.Feed.Status.Failure);
        Assert.StartsWith("the server violates MQTT 5: [MQTT", failure.Reason, StringComparison.Ordinal);
        Assert.True(bench.Feed.Status.NextTry - bench.Time.GetUtcNow() >= BmwStream.BetweenConnects);
        var lines = bench.Logs.All.Where(line => line.Contains("the stream is disconnected", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, lines.Count);
        Assert.All(bench.Logs.All, line => Assert.DoesNotContain("unexpectedly", line, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.DoesNotContain('\n', line));
    }

    [Fact]
    public async Task Ten_thousand_messages_are_all_processed()
    {
        await using var run = await Run.Begin();
        await run.Bench.UntilConnected();

        var messages = Enumerable.Range(0, 10_000).Select(i => Car.Message("vehicle.vehicle.travelledDistance", $"{i}", "km"));
        await run.Broker.Publish(StreamBench.IdToken(0), Topic, messages);
        await run.Bench.Until(() => run.Bench.Feed.Reading.Cars.GetValueOrDefault(Car.Electric)?.Messages == 10_000);

        Assert.Equal(9_999_000, run.Bench.Value("bmw_vehicle_odometer_meters"));
    }

    private sealed record Run(Mosquitto Broker, StreamBench Bench) : IAsyncDisposable
    {
        public static Task<Run> Begin(params IReadOnlyList<string> vins) => Begin(0, vins);

        /// <param name="password">The number of the id token that the broker accepts.</param>
        public static async Task<Run> Begin(int password, params IReadOnlyList<string> vins)
        {
            var broker = await Mosquitto.Start("none yet");
            var bench = new StreamBench(broker.Port, await File.ReadAllTextAsync(broker.CertificateFile, Cancellation), vins);
            await broker.ChangePassword(StreamBench.IdToken(password));
            await bench.Start();
            return new Run(broker, bench);
        }

        public async ValueTask DisposeAsync()
        {
            await Bench.DisposeAsync();
            await Broker.DisposeAsync();
        }
    }
}

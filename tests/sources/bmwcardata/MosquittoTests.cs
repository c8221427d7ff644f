using System.Text;
using System.Threading.Channels;
using Exporter.Accounts;
using Exporter.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Tests of the MQTT connection with an independent broker.</summary>
[Trait("Suite", "slow")]
public class MosquittoTests
{
    private readonly Channel<MqttMessage> received = Channel.CreateUnbounded<MqttMessage>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_arrive_over_TLS_at_QoS_1()
    {
        await using var broker = await Mosquitto.Start("first");
        await using var connection = await Accepted(broker.Options("first"));

        Assert.Null(await connection.SubscribeAsync(["gcid/+"], Cancellation));
        await broker.Publish("first", "gcid/vin", "grüezi", "{}");

        var messages = await Read(2);
        Assert.Equal(["grüezi", "{}"], messages.Select(m => Encoding.UTF8.GetString(m.Payload.Span)));
        Assert.All(messages, m => Assert.Equal("gcid/vin", m.Topic));
    }

    [Fact]
    public async Task A_wrong_password_is_rejected_and_a_changed_one_accepted()
    {
        await using var broker = await Mosquitto.Start("first");
        await using (await Accepted(broker.Options("first")))
        {
            await AssertRejected(broker.Options("wrong"));
        }

        await broker.ChangePassword("second");

        await AssertRejected(broker.Options("first"));
        await using var connection = await Accepted(broker.Options("second"));
        Assert.Null(await connection.SubscribeAsync(["gcid/vin"], Cancellation));
        await broker.Publish("second", "gcid/vin", "still there");
        Assert.Equal("still there", Encoding.UTF8.GetString((await Read(1))[0].Payload.Span));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public async Task A_restart_of_the_broker_is_detected(string signal)
    {
        await using var broker = await Mosquitto.Start("first");
        await using var before = await Accepted(broker.Options("first"));

        await broker.Stop(signal);
        // Version 2.0.11 closes connections without DISCONNECT. Later versions send one.
        Assert.True(await before.Ended is { Label: "network" or "server" });
        var (_, refused) = await Connect(broker.Options("first"));
        Assert.Contains("no server listens there", refused!.Failure!.Reason, StringComparison.Ordinal);

        await broker.Start();
        await using var after = await Accepted(broker.Options("first"));
        Assert.False(after.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_second_connection_of_the_same_client_takes_over_the_session()
    {
        await using var broker = await Mosquitto.Start("first");
        await using var first = await Accepted(broker.Options("first", "gcid"));

        await using var second = await Accepted(broker.Options("first", "gcid"));

        Assert.True(await first.Ended is { Label: ConnectionEnd.TakenOver or "network" });
        Assert.False(second.Ended.IsCompleted);
    }

    [Fact]
    public async Task An_unknown_certificate_is_not_trusted()
    {
        await using var broker = await Mosquitto.Start("first");
        var trusting = broker.Options("first");
        var options = new MqttOptions { Host = trusting.Host, Port = trusting.Port, Tls = Mosquitto.Tls([]) };

        Assert.Contains("the TLS handshake with", (await Connect(options)).Failure!.Failure!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pings_get_a_response()
    {
        await using var broker = await Mosquitto.Start("first");
        var time = new ManualTime();
        await using var connection = Assert.IsType<MqttConnection>((await Connect(broker.Options("first"), time)).Connection);

        var keepAlive = broker.Options("first").KeepAlive;
        for (var ping = 0; ping < 3; ping++)
        {
            // Not further: the timer may be set again while the clock advances, and then is due earlier.
            time.Advance(0.75 * keepAlive);
            Assert.Null(await connection.SubscribeAsync([$"ping/{ping}"], Cancellation));
            // After the PINGRESP, the only timer is that of the next ping.
            while (time.Waiting != 1 || time.ToNextTimer() != 0.75 * keepAlive)
            {
                Assert.False(connection.Ended.IsCompleted);
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Cancellation);
            }
        }
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task Ten_thousand_messages_arrive_in_order()
    {
        const int Count = 10_000;
        await using var broker = await Mosquitto.Start("first");
        await using var connection = await Accepted(broker.Options("first"));
        Assert.Null(await connection.SubscribeAsync(["gcid/vin"], Cancellation));
        var expected = Enumerable.Range(0, Count).Select(i => $"{i} {new string('x', i % 500)}").ToArray();
        var started = TimeProvider.System.GetTimestamp();

        var publishing = broker.Publish("first", "gcid/vin", expected);
        var messages = await Read(Count);
        await publishing;

        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        TestContext.Current.TestOutputHelper?.WriteLine($"{Count} messages in {seconds:0.00} s");
        Assert.Equal(expected, messages.Select(m => Encoding.UTF8.GetString(m.Payload.Span)));
        Assert.False(connection.Ended.IsCompleted);
    }

    private Task<(MqttConnection? Connection, ConnectionEnd? Failure)> Connect(MqttOptions options, TimeProvider? time = null) =>
        MqttConnection.ConnectAsync(
            options, message => received.Writer.TryWrite(message), time ?? TimeProvider.System, NullLogger.Instance, Cancellation);

    private async Task AssertRejected(MqttOptions options)
    {
        var rejected = Assert.IsType<ApiFailure.TokenRefused>((await Connect(options)).Failure?.Failure);
        Assert.Contains("NotAuthorized (135)", rejected.Reason, StringComparison.Ordinal);
    }

    private async Task<MqttConnection> Accepted(MqttOptions options) => Assert.IsType<MqttConnection>((await Connect(options)).Connection);

    private async Task<List<MqttMessage>> Read(int count)
    {
        var messages = new List<MqttMessage>();
        while (messages.Count < count)
        {
            messages.Add(await received.Reader.ReadAsync(Cancellation));
        }
        return messages;
    }
}

using System.Text;
using Exporter.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Against a broker that others have written.</summary>
public class MosquittoTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_come_over_TLS_at_QoS_1()
    {
        await using var broker = await Mosquitto.Start("first");
        await using var connection = await Accepted(broker.Options("first"));
        Assert.NotEmpty(connection.Session.ClientIdentifier);

        var granted = Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/+")], Cancellation));
        Assert.Equal([new FilterAnswer("gcid/+", ReasonCode.GrantedQoS1)], granted.Answers);
        await broker.Publish("first", "gcid/vin", "grüezi", "{}");

        var messages = await Read(connection, 2);
        Assert.Equal(["grüezi", "{}"], messages.Select(m => Encoding.UTF8.GetString(m.Payload.Span)));
        Assert.All(messages, m => Assert.Equal(("gcid/vin", MqttQualityOfServiceLevel.AtLeastOnce), (m.Topic, m.QoS)));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_a_new_one_taken_when_the_broker_has_it()
    {
        await using var broker = await Mosquitto.Start("first");
        await using (await Accepted(broker.Options("first")))
        {
            Assert.Equal(ReasonCode.NotAuthorized, (await Connect(broker.Options("wrong")) as ConnectOutcome.Refused)?.Code);
        }

        await broker.ChangePassword("second");

        Assert.Equal(ReasonCode.NotAuthorized, (await Connect(broker.Options("first")) as ConnectOutcome.Refused)?.Code);
        await using var connection = await Accepted(broker.Options("second"));
        Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/vin")], Cancellation));
        await broker.Publish("second", "gcid/vin", "still there");
        Assert.Equal("still there", Encoding.UTF8.GetString((await Read(connection, 1))[0].Payload.Span));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public async Task A_restart_of_the_broker_is_noticed(string signal)
    {
        await using var broker = await Mosquitto.Start("first");
        await using var before = await Accepted(broker.Options("first"));

        await broker.Stop(signal);
        // 2.0.11 closes without a word at its end and when a session is taken over; later ones say what they are allowed to.
        Assert.True(await before.Ended is ConnectionEnd.NetworkLost or ConnectionEnd.ByServer(ReasonCode.ServerShuttingDown, _));
        var refused = Assert.IsType<ConnectOutcome.Unreachable>(await Connect(broker.Options("first")));
        Assert.Contains("nothing listens there", refused.Reason, StringComparison.Ordinal);

        await broker.Start();
        await using var after = await Accepted(broker.Options("first"));
        Assert.False(after.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_second_connection_of_the_same_name_takes_the_session_over()
    {
        await using var broker = await Mosquitto.Start("first");
        await using var first = await Accepted(broker.Options("first", "gcid"));

        await using var second = await Accepted(broker.Options("first", "gcid"));

        Assert.True(await first.Ended is ConnectionEnd.NetworkLost or ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, _));
        Assert.False(second.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_foreign_certificate_is_not_trusted()
    {
        await using var broker = await Mosquitto.Start("first");
        var trusting = broker.Options("first");
        var options = new MqttOptions { Host = trusting.Host, Port = trusting.Port, Tls = Mosquitto.Tls([]) };

        Assert.Contains("no TLS", Assert.IsType<ConnectOutcome.Unreachable>(await Connect(options)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_expects_TLS_gets_nothing_in_the_clear_to_agree_on()
    {
        await using var broker = await Mosquitto.Start("first");
        var secured = broker.Options("first");

        Assert.IsType<ConnectOutcome.Unreachable>(await Connect(new MqttOptions { Host = secured.Host, Port = secured.Port }));
    }

    [Fact]
    public async Task Pings_are_answered()
    {
        await using var broker = await Mosquitto.Start("first");
        var time = new ManualTime();
        var outcome = await MqttConnection.ConnectAsync(broker.Options("first"), time, NullLogger.Instance, Cancellation);
        await using var connection = Assert.IsType<ConnectOutcome.Accepted>(outcome).Connection;

        // The broker's PINGRESP comes when it comes, before the answer to what is sent behind the PINGREQ.
        for (var ping = 0; ping < 3; ping++)
        {
            time.Advance(connection.Session.KeepAlive);
            Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new($"ping/{ping}")], Cancellation));
        }
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task Ten_thousand_messages_at_speed_all_arrive_in_order()
    {
        const int Count = 10_000;
        await using var broker = await Mosquitto.Start("first");
        await using var connection = await Accepted(broker.Options("first"));
        Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/vin")], Cancellation));
        var expected = Enumerable.Range(0, Count).Select(i => $"{i} {new string('x', i % 500)}").ToArray();
        var started = TimeProvider.System.GetTimestamp();

        var publishing = broker.Publish("first", "gcid/vin", expected);
        var messages = await Read(connection, Count);
        await publishing;

        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        TestContext.Current.TestOutputHelper?.WriteLine($"{Count} messages in {seconds:0.00} s");
        Assert.Equal(expected, messages.Select(m => Encoding.UTF8.GetString(m.Payload.Span)));
        Assert.False(connection.Ended.IsCompleted);
    }

    private static Task<ConnectOutcome> Connect(MqttOptions options) =>
        MqttConnection.ConnectAsync(options, TimeProvider.System, NullLogger.Instance, Cancellation);

    private static async Task<MqttConnection> Accepted(MqttOptions options) => Assert.IsType<ConnectOutcome.Accepted>(await Connect(options)).Connection;

    private static async Task<List<MqttMessage>> Read(MqttConnection connection, int count)
    {
        var messages = new List<MqttMessage>();
        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            messages.Add(message);
            if (messages.Count == count)
            {
                break;
            }
        }
        return messages;
    }
}

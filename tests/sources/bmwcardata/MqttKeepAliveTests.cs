using Exporter.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Packets;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttKeepAliveTests
{
    /// <summary>Three quarters of the 40 s that <see cref="ScriptedServer"/> is asked for.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private static readonly MqttPublishPacket Mark = ScriptedServer.Publish("mark", "");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_is_silent_pings_and_goes_on_when_answered()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        await using var reader = connection.ReadMessagesAsync(Cancellation).GetAsyncEnumerator(Cancellation);

        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
        await server.Says(new MqttPingRespPacket(), Mark);
        Assert.True(await reader.MoveNextAsync());

        var second = server.Hears<MqttPingReqPacket>();
        // Only until the ping is due: the clock must not run on into the patience for its answer while it is on its way.
        await server.Time.AdvanceUntilAsync(() => second.IsCompleted || server.Time.GetUtcNow() - ManualTime.Start >= 2 * Interval, TimeSpan.FromMinutes(2));
        await second;
        Assert.False(connection.Ended.IsCompleted);
        Assert.InRange(server.Time.GetUtcNow() - ManualTime.Start, 2 * Interval, 2 * TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task A_ping_without_an_answer_ends_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
        server.Time.Advance(server.Options.ResponseTimeout - TimeSpan.FromTicks(1));
        Assert.False(connection.Ended.IsCompleted);
        server.Time.Advance(TimeSpan.FromTicks(1));

        Assert.Equal(new ConnectionEnd.KeepAliveTimeout(), await connection.Ended);
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task An_answer_that_comes_late_changes_nothing()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
        server.Time.Advance(server.Options.ResponseTimeout);
        await connection.Ended;

        await server.Says(new MqttPingRespPacket(), Mark);

        Assert.Equal(new ConnectionEnd.KeepAliveTimeout(), await connection.Ended);
        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Fail($"{message.Topic} came from a connection that has ended");
        }
    }

    [Fact]
    public async Task Other_packets_of_ours_spare_the_ping()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        server.Time.Advance(Interval - TimeSpan.FromSeconds(1));
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [ReasonCode.GrantedQoS1]));
        await subscribing;

        var ping = server.Hears<MqttPingReqPacket>();
        await server.Time.AdvanceUntilAsync(() => ping.IsCompleted, TimeSpan.FromMinutes(2));
        await ping;
        Assert.InRange(server.Time.GetUtcNow() - ManualTime.Start, 2 * Interval - TimeSpan.FromSeconds(1), 2 * TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task The_servers_keep_alive_counts()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = 8 });

        Assert.Equal(TimeSpan.FromSeconds(8), connection.Session.KeepAlive);
        server.Time.Advance(TimeSpan.FromSeconds(6));
        await server.Hears<MqttPingReqPacket>();

        // Its answer has to come before the next ping is due, though we are more patient with others.
        server.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(new ConnectionEnd.KeepAliveTimeout(), await connection.Ended);
    }

    [Fact]
    public async Task A_server_that_wants_no_keep_alive_is_pinged_all_the_same()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = 0 });

        Assert.Equal(server.Options.KeepAlive, connection.Session.KeepAlive);
        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_slow_reader_is_not_blamed_on_the_server(bool answers)
    {
        var time = new ManualTime();
        var options = new MqttOptions { Host = "memory", Port = 1 };
        await using var link = new MqttLink(Stream.Null, options, time, NullLogger.Instance);
        var inbox = new MqttInbox(receiveMaximum: 2, time);
        await using var reader = inbox.ReadAllAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        await inbox.AddAsync(Mark, Cancellation);
        await inbox.AddAsync(Mark, Cancellation);
        var waiting = inbox.AddAsync(Mark, Cancellation).AsTask();
        Assert.False(waiting.IsCompleted);
        var keepAlive = new MqttKeepAlive(link, inbox, time);
        var pings = 0;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        // The answer lies behind messages that nobody takes, for much longer than an answer may take.
        var watching = keepAlive.WatchAsync(TimeSpan.FromSeconds(40), options.ResponseTimeout, _ => { Interlocked.Increment(ref pings); return Task.CompletedTask; }, end.Token);
        await time.AdvanceUntilAsync(() => watching.IsCompleted || time.GetUtcNow() - ManualTime.Start >= TimeSpan.FromMinutes(10), TimeSpan.FromHours(1));
        Assert.Equal((false, 1), (watching.IsCompleted, Volatile.Read(ref pings)));

        // One is taken, and the network is read again: from now on the answer is the server's to give.
        Assert.True(await reader.MoveNextAsync());
        await waiting;
        var opened = time.GetUtcNow();
        if (answers)
        {
            keepAlive.Answered();
        }
        await time.AdvanceUntilAsync(() => watching.IsCompleted || Volatile.Read(ref pings) == 2, TimeSpan.FromMinutes(2));

        Assert.Equal(answers ? (false, 2) : (true, 1), (watching.IsCompleted, Volatile.Read(ref pings)));
        Assert.True(answers || time.GetUtcNow() - opened >= options.ResponseTimeout);
        await end.CancelAsync();
    }

    [Fact]
    public async Task A_server_that_takes_nothing_more_is_noticed_too()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        // More than the transport holds, and nobody listens at its other end: the ping does not get through.
        var stuck = connection.SubscribeAsync([.. Enumerable.Repeat(new Subscription(new string('a', 1000)), 70)], Cancellation);

        await server.Time.AdvanceUntilAsync(() => connection.Ended.IsCompleted, TimeSpan.FromMinutes(2));

        Assert.Equal(new ConnectionEnd.KeepAliveTimeout(), await connection.Ended);
        Assert.Equal(new SubscribeOutcome.Ended(new ConnectionEnd.KeepAliveTimeout()), await stuck);
    }
}

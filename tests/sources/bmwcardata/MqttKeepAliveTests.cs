using Exporter.BmwCarData;
using Exporter.Tests.Support;
using MQTTnet.Packets;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttKeepAliveTests
{
    private static readonly ConnectionEnd Silent = ConnectionEnd.Network("the server stopped responding");

    /// <summary>Three quarters of the keep-alive of 40 s in <see cref="ScriptedServer"/>.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ping_with_a_response_is_followed_by_another()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        server.Time.Advance(Interval);
        await server.Receive<MqttPingReqPacket>();
        await server.Send(new MqttPingRespPacket(), ScriptedServer.Publish("mark", "second"));
        Assert.Equal("second", await server.NextMessage());

        var second = server.Receive<MqttPingReqPacket>();
        await server.Time.AdvanceUntilAsync(() => second.IsCompleted, TimeSpan.FromMinutes(2));
        await second;
        Assert.True(server.Time.GetUtcNow() - ManualTime.Start >= 2 * Interval);
    }

    [Fact]
    public async Task A_ping_without_a_response_closes_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        server.Time.Advance(Interval);
        await server.Receive<MqttPingReqPacket>();
        server.Time.Advance(server.Options.ResponseTimeout - TimeSpan.FromTicks(1));
        Assert.False(connection.Ended.IsCompleted);
        server.Time.Advance(TimeSpan.FromTicks(1));

        Assert.Equal(Silent, await connection.Ended);
    }

    [Fact]
    public async Task A_shorter_keep_alive_of_the_server_is_used()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = 8 });

        server.Time.Advance(TimeSpan.FromSeconds(6));
        await server.Receive<MqttPingReqPacket>();

        // The PINGRESP must arrive before the next ping, although the response timeout is longer.
        server.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(Silent, await connection.Ended);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(600)]
    public async Task A_disabled_or_longer_keep_alive_of_the_server_is_ignored(ushort seconds)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = seconds });

        server.Time.Advance(Interval);
        await server.Receive<MqttPingReqPacket>();
    }

    [Fact]
    public async Task A_slow_reader_does_not_close_the_connection()
    {
        using var turns = new SemaphoreSlim(0);
        using var log = new CollectedLog();
        await using var server = new ScriptedServer { BeforeMessage = () => turns.Wait(Cancellation), Logger = log };
        await using var connection = await server.Accept();
        // The PINGRESP is queued behind more messages than there are slots.
        var count = server.Options.ReceiveMaximum + 1;
        await server.Send(Enumerable.Range(1, count).Select(i => ScriptedServer.Publish("mark", $"{i}")));
        await Wait.UntilAsync(() => log.Count("received Publish") >= server.Options.ReceiveMaximum);
        for (var ping = 0; ping < 3; ping++)
        {
            var request = server.Receive<MqttPingReqPacket>();
            await server.Time.AdvanceUntilAsync(() => request.IsCompleted, TimeSpan.FromHours(1));
            await request;
            await server.Send(new MqttPingRespPacket());
        }
        Assert.False(connection.Ended.IsCompleted);

        turns.Release(count);
        for (var i = 1; i <= count; i++)
        {
            Assert.Equal($"{i}", await server.NextMessage());
        }
        Assert.False(connection.Ended.IsCompleted);
    }
}

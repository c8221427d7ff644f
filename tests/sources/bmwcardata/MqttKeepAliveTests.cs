using Exporter.BmwCarData;
using MQTTnet.Packets;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttKeepAliveTests
{
    private static readonly BmwFailure Silent = new BmwFailure.Passing("network", "the server no longer answers");

    /// <summary>Three quarters of the 40 s that <see cref="ScriptedServer"/> is asked for.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ping_that_is_answered_is_followed_by_another()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
        await server.Says(new MqttPingRespPacket(), ScriptedServer.Publish("mark", "answered"));
        Assert.Equal("answered", await server.NextTaken());

        var second = server.Hears<MqttPingReqPacket>();
        await server.Time.AdvanceUntilAsync(() => second.IsCompleted, TimeSpan.FromMinutes(2));
        await second;
        Assert.True(server.Time.GetUtcNow() - ManualTime.Start >= 2 * Interval);
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

        Assert.Equal(Silent, await connection.Ended);
    }

    [Fact]
    public async Task The_servers_keep_alive_counts()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = 8 });

        server.Time.Advance(TimeSpan.FromSeconds(6));
        await server.Hears<MqttPingReqPacket>();

        // Its answer has to come before the next ping is due, though we are more patient with others.
        server.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(Silent, await connection.Ended);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(600)]
    public async Task A_server_that_wants_no_keep_alive_or_a_long_one_is_pinged_all_the_same(ushort seconds)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { ServerKeepAlive = seconds });

        server.Time.Advance(Interval);
        await server.Hears<MqttPingReqPacket>();
    }

    [Fact]
    public async Task A_slow_reader_is_not_blamed_on_the_server()
    {
        using var turns = new SemaphoreSlim(0);
        await using var server = new ScriptedServer { BeforeTaking = () => turns.Wait(Cancellation) };
        await using var connection = await server.Accept();
        // The answer to a ping waits behind more messages than there is room for.
        var count = server.Options.ReceiveMaximum + 1;
        await server.Says(Enumerable.Range(1, count).Select(i => ScriptedServer.Publish("mark", $"{i}")));
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Cancellation);
        for (var ping = 0; ping < 3; ping++)
        {
            var heard = server.Hears<MqttPingReqPacket>();
            await server.Time.AdvanceUntilAsync(() => heard.IsCompleted, TimeSpan.FromHours(1));
            await heard;
            await server.Says(new MqttPingRespPacket());
        }
        Assert.False(connection.Ended.IsCompleted);

        turns.Release(count);
        for (var i = 1; i <= count; i++)
        {
            Assert.Equal($"{i}", await server.NextTaken());
        }
        Assert.False(connection.Ended.IsCompleted);
    }
}

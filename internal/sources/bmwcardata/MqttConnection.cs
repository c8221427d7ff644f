using System.Buffers;
using System.Net;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Channel;
using MQTTnet.Diagnostics.PacketInspection;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Exporter.BmwCarData;

/// <summary>One connection of a subscriber to an MQTT 5 server by MQTTnet's client, from CONNACK until it ends. It doesn't reconnect.</summary>
internal sealed class MqttConnection : IMqttClientStreamProvider, IAsyncDisposable
{
    private static readonly MqttClientFactory Factory = new();

    private readonly MqttOptions options;
    private readonly Action<MqttMessage> take;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim room;
    private readonly IMqttClient client = Factory.CreateMqttClient();
    private readonly CancellationTokenSource ending = new();
    private readonly TaskCompletionSource<BmwFailure> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttStream? stream;
    private Task pinging = Task.CompletedTask;

    private MqttConnection(MqttOptions options, Action<MqttMessage> take, TimeProvider time, ILogger logger)
    {
        (this.options, this.take, this.time, this.logger) = (options, take, time, logger);
        room = new SemaphoreSlim(options.ReceiveMaximum);
        client.ApplicationMessageReceivedAsync += TakeAsync;
        client.DisconnectedAsync += gone =>
        {
            ended.TrySetResult(BmwFailure.Of(gone, options.Endpoint));
            return Task.CompletedTask;
        };
        if (logger.IsEnabled(LogLevel.Debug))
        {
            client.InspectPacketAsync += LogAsync;
        }
    }

    /// <summary>Completes when the connection has ended. It fails only if taking a message fails.</summary>
    public Task<BmwFailure> Ended => ended.Task;

    /// <param name="take">
    /// Called for one message after the other, in the order they come. A message is acknowledged when this returns [MQTT-4.3.2-4]. While it
    /// doesn't, the network waits once <see cref="MqttOptions.ReceiveMaximum"/> messages have come.
    /// </param>
    /// <returns>The connection, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>.</exception>
    public static async Task<(MqttConnection? Connection, BmwFailure? Failure)> ConnectAsync(
        MqttOptions options, Action<MqttMessage> take, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var connection = new MqttConnection(options, take, time, logger);
        BmwFailure? failure;
        try
        {
            var result = await connection.client.ConnectAsync(connection.ClientOptions(), both.Token);
            failure = BmwFailure.Of(result);
            // [MQTT-3.2.2-21]: MQTTnet's client pings by the keep-alive that it asked for, also if the server wants a shorter one.
            var asked = TimeSpan.FromSeconds(result.ServerKeepAlive);
            var interval = asked > TimeSpan.Zero && asked < options.KeepAlive ? asked : options.KeepAlive;
            connection.pinging = failure is null ? connection.PingAsync(interval) : Task.CompletedTask;
        }
        catch (Exception e)
        {
            failure = limit.IsCancellationRequested
                ? new BmwFailure.Passing("network", $"{options.Endpoint} does not answer within {options.ConnectTimeout.TotalSeconds} s")
                : BmwFailure.Of(e, options.Endpoint);
        }
        if (failure is null)
        {
            return (connection, null);
        }
        await connection.DisposeAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return (null, failure);
    }

    /// <summary>Subscribes to all filters at QoS 1 with one packet. Messages may come before the answer.</summary>
    /// <returns>Why there is no subscription; null: the server granted every filter.</returns>
    public async Task<BmwFailure?> SubscribeAsync(IReadOnlyList<string> filters, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.ResponseTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return BmwFailure.Of(await client.SubscribeAsync(new MqttClientSubscribeOptions
            {
                TopicFilters = [.. filters.Select(filter =>
                    new MqttTopicFilter { Topic = filter, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce })],
            }, both.Token));
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (patience.IsCancellationRequested)
            {
                ended.TrySetResult(new BmwFailure.Passing(
                    "network", $"{options.Endpoint} does not answer a SUBSCRIBE within {options.ResponseTimeout.TotalSeconds} s"));
            }
            else if (e is MqttProtocolViolationException)
            {
                // An answer that doesn't fit leaves the client's connection open.
                ended.TrySetResult(BmwFailure.Of(e, options.Endpoint));
            }
            return await Ended;
        }
    }

    /// <summary>Sends DISCONNECT if the connection is still open, and closes it. No message is taken after that.</summary>
    public async ValueTask DisposeAsync()
    {
        ended.TrySetResult(BmwFailure.NewToken);
        await ending.CancelAsync();
        try
        {
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), CancellationToken.None);
        }
        catch (Exception)
        {
            // The connection closes either way.
        }
        client.Dispose();
        await pinging;
        ending.Dispose();
    }

    async Task<Stream> IMqttClientStreamProvider.ConnectAsync(EndPoint brokerEndPoint, CancellationToken cancellationToken) =>
        stream = await MqttStream.OpenAsync(options, room, cancellationToken);

    private MqttClientOptions ClientOptions() => Factory.CreateClientOptionsBuilder()
        .WithProtocolVersion(MqttProtocolVersion.V500)
        .WithEndPoint(new DnsEndPoint(options.Host, options.Port)).WithStreamProvider(this)
        .WithClientId(options.ClientIdentifier).WithCredentials(options.UserName, options.Password)
        .WithCleanStart().WithSessionExpiryInterval(0)
        .WithReceiveMaximum(options.ReceiveMaximum).WithMaximumPacketSize(options.MaximumPacketSize)
        // A server may leave out reason strings otherwise (3.1.2.11.7).
        .WithRequestProblemInformation()
        .WithKeepAlivePeriod(options.KeepAlive).WithTimeout(options.ResponseTimeout)
        .Build();

    private Task TakeAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        try
        {
            take(new MqttMessage(received.ApplicationMessage.Topic, received.ApplicationMessage.Payload.ToArray()));
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
            throw;
        }
        finally
        {
            room.Release();
        }
        return Task.CompletedTask;
    }

    /// <summary>Pings before the keep-alive ends [MQTT-3.1.2-20], and notices a server that doesn't answer (3.1.2.10).</summary>
    private async Task PingAsync(TimeSpan keepAlive)
    {
        // A quarter of the time is left for a late timer and a slow network.
        var interval = 0.75 * keepAlive;
        while (true)
        {
            var heard = 0L;
            try
            {
                await Task.Delay(interval, time, ending.Token);
                heard = stream!.Packets;
                using var patience = new CancellationTokenSource(options.ResponseTimeout < interval ? options.ResponseTimeout : interval, time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ending.Token);
                await client.PingAsync(both.Token);
            }
            catch (MqttCommunicationTimedOutException) when (room.CurrentCount == 0 || stream!.Packets != heard)
            {
                // The answer waits behind messages that wait to be taken, or something else has come meanwhile: the server is there.
            }
            catch (MqttCommunicationTimedOutException e)
            {
                ended.TrySetResult(BmwFailure.Of(e, options.Endpoint));
                return;
            }
            catch (Exception)
            {
                // The connection has ended, and the client says why.
                return;
            }
        }
    }

    private Task LogAsync(InspectMqttPacketEventArgs packet)
    {
        logger.LogDebug("{Endpoint}: {Done} {Packet}", options.Endpoint,
            packet.Direction == MqttPacketFlowDirection.Inbound ? "received" : "sent", (MqttControlPacketType)(packet.Buffer[0] >> 4));
        return Task.CompletedTask;
    }
}

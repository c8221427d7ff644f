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

/// <summary>One connection of a subscriber to an MQTT 5 server with MQTTnet's client. It does not reconnect.</summary>
internal sealed class MqttConnection : IMqttClientStreamProvider, IAsyncDisposable
{
    private static readonly MqttClientFactory Factory = new();

    private readonly MqttOptions options;
    private readonly Action<MqttMessage> onMessage;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim slots;
    private readonly IMqttClient client = Factory.CreateMqttClient();
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource<ConnectionEnd> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttStream? stream;
    private Task pinging = Task.CompletedTask;

    private MqttConnection(MqttOptions options, Action<MqttMessage> onMessage, TimeProvider time, ILogger logger)
    {
        (this.options, this.onMessage, this.time, this.logger) = (options, onMessage, time, logger);
        slots = new SemaphoreSlim(options.ReceiveMaximum);
        client.ApplicationMessageReceivedAsync += ReceiveAsync;
        client.DisconnectedAsync += disconnected =>
        {
            ended.TrySetResult(ConnectionEnd.Of(disconnected, options.Endpoint));
            return Task.CompletedTask;
        };
        if (logger.IsEnabled(PacketLevel))
        {
            client.InspectPacketAsync += LogAsync;
        }
    }

    private LogLevel PacketLevel => options.LogPackets ? LogLevel.Information : LogLevel.Debug;

    /// <summary>Completes when the connection ends. It fails only if the message callback throws.</summary>
    public Task<ConnectionEnd> Ended => ended.Task;

    /// <param name="onMessage">
    /// Called for each message in order. The client acknowledges the message when this returns [MQTT-4.3.2-4]. After
    /// <see cref="MqttOptions.ReceiveMaximum"/> unprocessed messages, the client stops reading from the network.
    /// </param>
    /// <returns>The connection, or why there is none.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was canceled.</exception>
    public static async Task<(MqttConnection? Connection, ConnectionEnd? Failure)> ConnectAsync(
        MqttOptions options, Action<MqttMessage> onMessage, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var connection = new MqttConnection(options, onMessage, time, logger);
        ConnectionEnd? failure;
        try
        {
            var result = await connection.client.ConnectAsync(connection.ClientOptions(), both.Token);
            failure = ConnectionEnd.Of(result);
            // [MQTT-3.2.2-21]: MQTTnet's client ignores a shorter keep-alive of the server.
            var requested = TimeSpan.FromSeconds(result.ServerKeepAlive);
            var interval = requested > TimeSpan.Zero && requested < options.KeepAlive ? requested : options.KeepAlive;
            connection.pinging = failure is null ? connection.PingAsync(interval) : Task.CompletedTask;
        }
        catch (Exception e)
        {
            failure = limit.IsCancellationRequested
                ? ConnectionEnd.Network($"{options.Endpoint} did not respond within {options.ConnectTimeout.TotalSeconds} s")
                : ConnectionEnd.Of(e, options.Endpoint);
        }
        if (failure is null)
        {
            return (connection, null);
        }
        await connection.DisposeAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return (null, failure);
    }

    /// <summary>Subscribes to all filters at QoS 1 with one packet. Messages can arrive before the SUBACK.</summary>
    /// <returns>Why the subscription failed; null if the server granted every filter.</returns>
    public async Task<ConnectionEnd?> SubscribeAsync(IReadOnlyList<string> filters, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ResponseTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return ConnectionEnd.Of(await client.SubscribeAsync(new MqttClientSubscribeOptions
            {
                TopicFilters = [.. filters.Select(filter =>
                    new MqttTopicFilter { Topic = filter, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce })],
            }, both.Token));
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (timeout.IsCancellationRequested)
            {
                ended.TrySetResult(ConnectionEnd.Network(
                    $"{options.Endpoint} did not respond to SUBSCRIBE within {options.ResponseTimeout.TotalSeconds} s"));
            }
            else if (e is MqttProtocolViolationException)
            {
                // After an invalid response, the client leaves the connection open.
                ended.TrySetResult(ConnectionEnd.Of(e, options.Endpoint));
            }
            return await Ended;
        }
    }

    /// <summary>Sends DISCONNECT if the connection is still open, and closes it. No callback follows.</summary>
    public async ValueTask DisposeAsync()
    {
        ended.TrySetResult(ConnectionEnd.NewToken);
        await stopping.CancelAsync();
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
        stopping.Dispose();
    }

    async Task<Stream> IMqttClientStreamProvider.ConnectAsync(EndPoint brokerEndPoint, CancellationToken cancellationToken) =>
        stream = await MqttStream.OpenAsync(options, slots, cancellationToken);

    private MqttClientOptions ClientOptions() => Factory.CreateClientOptionsBuilder()
        .WithProtocolVersion(MqttProtocolVersion.V500)
        .WithEndPoint(new DnsEndPoint(options.Host, options.Port)).WithStreamProvider(this)
        .WithClientId(options.ClientIdentifier).WithCredentials(options.UserName, options.Password)
        .WithCleanStart().WithSessionExpiryInterval(0)
        .WithReceiveMaximum(options.ReceiveMaximum).WithMaximumPacketSize(options.MaximumPacketSize)
        // Without it, a server can omit reason strings (3.1.2.11.7).
        .WithRequestProblemInformation()
        .WithKeepAlivePeriod(options.KeepAlive).WithTimeout(options.ResponseTimeout)
        .Build();

    private Task ReceiveAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        try
        {
            onMessage(new MqttMessage(received.ApplicationMessage.Topic, received.ApplicationMessage.Payload.ToArray()));
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
            throw;
        }
        finally
        {
            slots.Release();
        }
        return Task.CompletedTask;
    }

    /// <summary>Pings before the keep-alive expires [MQTT-3.1.2-20], and detects a server that does not respond (3.1.2.10).</summary>
    private async Task PingAsync(TimeSpan keepAlive)
    {
        // Leaves a quarter of the time for a late timer and a slow network.
        var interval = 0.75 * keepAlive;
        while (true)
        {
            var packets = 0L;
            try
            {
                await Task.Delay(interval, time, stopping.Token);
                packets = stream!.Packets;
                using var timeout = new CancellationTokenSource(options.ResponseTimeout < interval ? options.ResponseTimeout : interval, time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
                await client.PingAsync(both.Token);
            }
            catch (MqttCommunicationTimedOutException) when (slots.CurrentCount == 0 || stream!.Packets != packets)
            {
                // The server is alive: the PINGRESP is queued behind unprocessed messages, or another packet arrived meanwhile.
            }
            catch (MqttCommunicationTimedOutException e)
            {
                ended.TrySetResult(ConnectionEnd.Of(e, options.Endpoint));
                return;
            }
            catch (Exception)
            {
                // The connection has ended, and the event of the client has the reason.
                return;
            }
        }
    }

    private Task LogAsync(InspectMqttPacketEventArgs packet)
    {
        logger.Log(PacketLevel, "{Endpoint}: {Direction} {Packet}", options.Endpoint,
            packet.Direction == MqttPacketFlowDirection.Inbound ? "received" : "sent", (MqttControlPacketType)(packet.Buffer[0] >> 4));
        return Task.CompletedTask;
    }
}

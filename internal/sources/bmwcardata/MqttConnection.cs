using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Exporter.BmwCarData;

/// <summary>
/// One connection of a subscriber to an MQTT 5 server, from CONNACK until it ends. It doesn't reconnect. You may call everything from any thread
/// except <see cref="ReadMessagesAsync"/>, which is for one reader.
/// </summary>
internal sealed class MqttConnection : IAsyncDisposable
{
    private readonly MqttOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly MqttLink link;
    private readonly MqttInbox inbox;
    private readonly MqttKeepAlive keepAlive;
    private readonly CancellationTokenSource ending = new();
    private readonly CancellationToken alive;
    private readonly TaskCompletionSource<MqttConnAckPacket> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ConnectionEnd> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<ushort, TaskCompletionSource<MqttSubAckPacket>> subscribing = new();
    private Task receiving = Task.CompletedTask;
    private Task pinging = Task.CompletedTask;
    private MqttSession? session;
    private uint identifiers;
    private bool over;

    private MqttConnection(Stream stream, MqttOptions options, TimeProvider time, ILogger logger)
    {
        (this.options, this.time, this.logger) = (options, time, logger);
        link = new MqttLink(stream, options, time, logger);
        inbox = new MqttInbox(options.ReceiveMaximum, time);
        keepAlive = new MqttKeepAlive(link, inbox, time);
        alive = ending.Token;
    }

    /// <summary>Completes, and never fails, when the connection has ended. You can still read the messages that came before.</summary>
    public Task<ConnectionEnd> Ended => ended.Task;

    public MqttSession Session => session ?? throw new InvalidOperationException("only an accepted connection is handed out");

    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>; everything else is an outcome.</exception>
    public static Task<ConnectOutcome> ConnectAsync(MqttOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken) =>
        ConnectAsync(token => MqttChannel.OpenAsync(options, token), options, time, logger, cancellationToken);

    /// <summary>Connects over a stream that <paramref name="open"/> returns; it is closed with the connection.</summary>
    public static async Task<ConnectOutcome> ConnectAsync(
        Func<CancellationToken, Task<Stream>> open, MqttOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        MqttConnection? connection = null;
        ConnectOutcome? outcome = null;
        try
        {
            connection = new MqttConnection(await open(both.Token), options, time, logger);
            outcome = await connection.GreetAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            outcome = new ConnectOutcome.Unreachable($"{options.Endpoint} does not answer within {options.ConnectTimeout.TotalSeconds} s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            outcome = new ConnectOutcome.Unreachable(MqttChannel.Explain(e, options.Endpoint));
        }
        finally
        {
            if (connection is not null && outcome is not ConnectOutcome.Accepted)
            {
                await connection.DisposeAsync();
            }
        }
        return outcome;
    }

    /// <summary>
    /// Subscribes to all filters with one packet. Messages may come before the answer. If nobody reads them, the network waits once
    /// <see cref="MqttOptions.ReceiveMaximum"/> have come, and so does an answer behind them.
    /// </summary>
    public async Task<SubscribeOutcome> SubscribeAsync(IReadOnlyList<Subscription> subscriptions, CancellationToken cancellationToken)
    {
        var packet = new MqttSubscribePacket
        {
            // From 1: zero isn't allowed [MQTT-2.2.1-3].
            PacketIdentifier = (ushort)((Interlocked.Increment(ref identifiers) - 1u) % ushort.MaxValue + 1),
            TopicFilters = [.. subscriptions.Select(s => new MqttTopicFilter { Topic = s.Filter, QualityOfServiceLevel = s.QoS })],
        };
        if (Session.Forbids(packet) is { } code)
        {
            return new SubscribeOutcome.Refused([.. subscriptions.Select(s => new FilterAnswer(s.Filter, code))], null);
        }
        // A caller that gives up leaves it there: the answer may still come, and isn't an error.
        var answered = new TaskCompletionSource<MqttSubAckPacket>(TaskCreationOptions.RunContinuationsAsynchronously);
        subscribing[packet.PacketIdentifier] = answered;
        try
        {
            await SendAsync(packet).WaitAsync(cancellationToken);
            await Task.WhenAny(answered.Task, Ended).WaitAsync(options.ResponseTimeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            var late = $"{options.Endpoint} does not answer a SUBSCRIBE within {options.ResponseTimeout.TotalSeconds} s";
            await EndAsync(new ConnectionEnd.NetworkLost(late));
        }
        if (!answered.Task.IsCompleted)
        {
            return new SubscribeOutcome.Ended(await Ended);
        }
        if (SubscribeOutcome.Of(subscriptions, await answered.Task) is { } outcome)
        {
            return outcome;
        }
        await BreakAsync(MqttProtocolException.Error("[MQTT-3.8.4-6, -8] a SUBACK does not answer each topic filter with a code that it asked for"));
        return new SubscribeOutcome.Ended(await Ended);
    }

    /// <summary>
    /// The messages in the order they come, until the connection ends; <see cref="Ended"/> has the reason. A message is acknowledged when its
    /// reader asks for the next one, and so has taken it over [MQTT-4.3.2-4], in that order [MQTT-4.6.0-2].
    /// </summary>
    public async IAsyncEnumerable<MqttMessage> ReadMessagesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var publish in inbox.ReadAllAsync(cancellationToken))
        {
            yield return new MqttMessage(publish.Topic, publish.Payload.ToArray(), publish.QualityOfServiceLevel);
            if (publish.QualityOfServiceLevel == MqttQualityOfServiceLevel.AtLeastOnce)
            {
                await SendAsync(new MqttPubAckPacket { PacketIdentifier = publish.PacketIdentifier });
            }
        }
    }

    /// <summary>Sends DISCONNECT if the connection is still open, and closes it.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync(new ConnectionEnd.ByUs(), ReasonCode.Success);
        await Ended;
        await Task.WhenAll(receiving, pinging);
        ending.Dispose();
    }

    private async Task<ConnectOutcome> GreetAsync(CancellationToken cancellationToken)
    {
        receiving = ReceiveAsync();
        await SendAsync(new MqttConnectPacket
        {
            ClientId = options.ClientIdentifier,
            CleanSession = true,
            KeepAlivePeriod = (ushort)options.KeepAlive.TotalSeconds,
            Username = options.UserName,
            Password = options.Password,
            ReceiveMaximum = options.ReceiveMaximum,
            MaximumPacketSize = options.MaximumPacketSize,
            // A server may leave out reason strings otherwise (3.1.2.11.7).
            RequestProblemInformation = true,
        }).WaitAsync(cancellationToken);
        await Task.WhenAny(connected.Task, Ended).WaitAsync(cancellationToken);
        if (!connected.Task.IsCompleted)
        {
            return await Ended switch
            {
                // [MQTT-3.14.0-1] forbids a server to send that before a CONNACK, but its reason is worth more than the rule.
                ConnectionEnd.ByServer(var code, var said) => new ConnectOutcome.Refused(code, said),
                var end => new ConnectOutcome.Unreachable(end.Reason),
            };
        }
        var ack = await connected.Task;
        if (((ReasonCode)ack.ReasonCode).IsFailure())
        {
            return new ConnectOutcome.Refused((ReasonCode)ack.ReasonCode, ack.ReasonString);
        }
        // [MQTT-3.1.2-21], [MQTT-3.2.2-21]: the server's keep-alive counts. If it wants none, ours still finds out about a dead network.
        var silence = ack.ServerKeepAlive > 0 ? TimeSpan.FromSeconds(ack.ServerKeepAlive) : options.KeepAlive;
        var identifier = ack.AssignedClientIdentifier ?? options.ClientIdentifier;
        session = new MqttSession(identifier, silence, ack.MaximumPacketSize, ack.WildcardSubscriptionAvailable);
        pinging = KeepAliveAsync(silence);
        return new ConnectOutcome.Accepted(this);
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (await link.ReceiveAsync(alive) is { } packet)
            {
                if (packet is MqttDisconnectPacket disconnect)
                {
                    await EndAsync(new ConnectionEnd.ByServer((ReasonCode)disconnect.ReasonCode, disconnect.ReasonString));
                    return;
                }
                await TakeAsync(packet);
            }
            await EndAsync(new ConnectionEnd.NetworkLost($"{options.Endpoint} closed the connection without a word"));
        }
        catch (MqttProtocolException e)
        {
            await BreakAsync(e);
        }
        catch (Exception e)
        {
            await EndAsync(new ConnectionEnd.NetworkLost(MqttChannel.Explain(e, options.Endpoint)));
        }
    }

    private ValueTask TakeAsync(MqttPacket packet)
    {
        switch (packet)
        {
            case MqttConnAckPacket ack when MqttSession.Checked(ack) && connected.TrySetResult(ack):
                return default;
            case MqttConnAckPacket:
                throw MqttProtocolException.Error("[MQTT-3.2.0-2] a second CONNACK came");
            case var _ when !connected.Task.IsCompleted:
                throw MqttProtocolException.Error("[MQTT-3.2.0-1] something came before a CONNACK");
            case MqttPublishPacket publish:
                return inbox.AddAsync(publish, alive);
            case MqttSubAckPacket ack when subscribing.TryRemove(ack.PacketIdentifier, out var answered):
                answered.SetResult(ack);
                return default;
            case MqttSubAckPacket:
                throw MqttProtocolException.Error("[MQTT-3.8.4-2] a SUBACK answers no SUBSCRIBE");
            case MqttPingRespPacket:
                keepAlive.Answered();
                return default;
            default:
                throw MqttProtocolException.Error("[MQTT 2.1.2] a packet came that a server does not send to a subscriber");
        }
    }

    private async Task KeepAliveAsync(TimeSpan interval)
    {
        try
        {
            await keepAlive.WatchAsync(interval, options.ResponseTimeout, SendAsync, alive);
            await EndAsync(new ConnectionEnd.KeepAliveTimeout());
        }
        catch (OperationCanceledException)
        {
            // The connection has ended.
        }
    }

    private async Task SendAsync(MqttPacket packet)
    {
        try
        {
            await link.SendAsync(packet, last: false, alive);
        }
        catch (Exception e)
        {
            // Whatever receives fails too, and may still find the server's DISCONNECT, which says more than this.
            logger.LogDebug("{Endpoint}: sending failed: {Reason}", options.Endpoint, MqttChannel.Explain(e, options.Endpoint));
        }
    }

    /// <summary>MQTT 5, 4.13.1: says what is wrong, and disconnects.</summary>
    private Task BreakAsync(MqttProtocolException broken) => EndAsync(new ConnectionEnd.ProtocolError(broken.Code, broken.Message), broken.Code);

    /// <summary>Only the first end counts.</summary>
    private async Task EndAsync(ConnectionEnd end, ReasonCode? lastWord = null)
    {
        if (Interlocked.Exchange(ref over, true))
        {
            return;
        }
        if (lastWord is { } code)
        {
            try
            {
                var disconnect = new MqttDisconnectPacket { ReasonCode = (MqttDisconnectReasonCode)code };
                await link.SendAsync(disconnect, last: true, alive).WaitAsync(options.ResponseTimeout, time);
            }
            catch (Exception)
            {
                // The connection closes either way.
            }
        }
        try
        {
            await ending.CancelAsync();
            await link.DisposeAsync();
        }
        finally
        {
            inbox.Close();
            ended.SetResult(end);
        }
    }
}

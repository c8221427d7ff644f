using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Exporter.Mqtt;

/// <summary>
/// One connection of a subscriber to an MQTT 5 server, from CONNACK to its end, which comes once and is told by <see cref="Ended"/>. It
/// does not reconnect. Everything but <see cref="ReadMessagesAsync"/>, which is for one reader, may be called from any thread.
/// </summary>
public sealed class MqttConnection : IAsyncDisposable
{
    private readonly MqttOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Link link;
    private readonly CancellationTokenSource ending = new();
    private readonly CancellationToken alive;
    private readonly PendingConnect connecting = new();
    private readonly TaskCompletionSource<ConnectionEnd> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PendingSubscriptions subscribing = new();
    private readonly Inbox inbox;
    private readonly KeepAlive keepAlive;
    private readonly ArrayBufferWriter<byte> acknowledgement = new(4);
    private Task receiving = Task.CompletedTask;
    private Task pinging = Task.CompletedTask;
    private MqttSession? session;
    private bool over;

    private MqttConnection(Stream transport, MqttOptions options, TimeProvider time, ILogger logger)
    {
        (this.options, this.time, this.logger) = (options, time, logger);
        link = new Link(transport, options, time, logger);
        inbox = new Inbox(options.ReceiveMaximum, time);
        keepAlive = new KeepAlive(link, inbox, time);
        alive = ending.Token;
    }

    /// <summary>Completes, and never fails, when the connection has ended; messages that had come by then can still be read.</summary>
    public Task<ConnectionEnd> Ended => ended.Task;

    public MqttSession Session => session ?? throw new InvalidOperationException("nobody has a connection that is not accepted");

    /// <exception cref="OperationCanceledException">By <paramref name="cancellation"/>; whatever else may happen is an outcome.</exception>
    public static Task<ConnectOutcome> ConnectAsync(MqttOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation) =>
        ConnectAsync(token => Transport.OpenAsync(options, token), options, time, logger, cancellation);

    /// <summary>Over a transport that the caller opens; it is closed with the connection.</summary>
    public static async Task<ConnectOutcome> ConnectAsync(
        Func<CancellationToken, Task<Stream>> open, MqttOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        options.Check();
        var connect = PacketWriter.Encode(new Packet.Connect(options.ClientIdentifier, options.KeepAliveSeconds)
        {
            // What is absent says what we want: session expiry 0 (3.1.2.11.2) and no topic aliases (3.1.2.11.5).
            UserName = options.UserName,
            Password = options.Password?.Invoke(),
            ReceiveMaximum = options.ReceiveMaximum,
            MaximumPacketSize = options.MaximumPacketSize,
        });
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        MqttConnection? connection = null;
        ConnectOutcome? outcome = null;
        try
        {
            connection = new MqttConnection(await open(both.Token), options, time, logger);
            outcome = await connection.GreetAsync(connect, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            outcome = new ConnectOutcome.Unreachable($"{options.Endpoint} does not answer within {options.ConnectTimeout.TotalSeconds} s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            outcome = new ConnectOutcome.Unreachable(Transport.Explain(e, options.Endpoint));
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
    /// Subscribes to all of them with one packet. Messages may come before the answer does, and while nobody reads them, no more than
    /// <see cref="MqttOptions.ReceiveMaximum"/> are taken off the network, nor is an answer that comes behind them.
    /// </summary>
    public async Task<SubscribeOutcome> SubscribeAsync(IReadOnlyList<Subscription> subscriptions, CancellationToken cancellation)
    {
        if (!Session.Wildcards && subscriptions.Any(s => s.Filter.AsSpan().ContainsAny('+', '#')))
        {
            // 3.2.2.3.11: sending it all the same would be a protocol error.
            return Unsent(ReasonCode.WildcardSubscriptionsNotSupported);
        }
        var (identifier, pending) = subscribing.Add(subscriptions);
        var packet = PacketWriter.Encode(new Packet.Subscribe(identifier, subscriptions));
        if (packet.Length > Session.MaximumPacketSize)
        {
            // [MQTT-3.2.2-15]
            subscribing.Remove(identifier);
            return Unsent(ReasonCode.PacketTooLarge);
        }
        try
        {
            // Where the caller gives up, the answer may still come, and is known.
            await SendAsync(packet).AsTask().WaitAsync(cancellation);
            await Task.WhenAny(pending.Answered, Ended).WaitAsync(options.ResponseTimeout, time, cancellation);
        }
        catch (TimeoutException)
        {
            await EndAsync(new ConnectionEnd.NetworkLost($"{options.Endpoint} does not answer a SUBSCRIBE within {options.ResponseTimeout.TotalSeconds} s"));
        }
        return pending.Answered.IsCompleted ? await pending.Answered : new SubscribeOutcome.Ended(await Ended);

        SubscribeOutcome Unsent(ReasonCode code) => new SubscribeOutcome.Refused([.. subscriptions.Select(s => new FilterAnswer(s.Filter, code))], null);
    }

    /// <summary>
    /// The messages in the order of their coming, until the connection has ended; why it has, <see cref="Ended"/> says. A message is
    /// acknowledged when its reader asks for the next one, and so has taken it [MQTT-4.3.2-4], in that order [MQTT-4.6.0-2].
    /// </summary>
    public async IAsyncEnumerable<MqttMessage> ReadMessagesAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var publish in inbox.ReadAllAsync(cancellation))
        {
            yield return publish.Message;
            if (publish.Message.QoS == QoS.AtLeastOnce)
            {
                acknowledgement.ResetWrittenCount();
                PacketWriter.WritePubAck(acknowledgement, publish.Identifier);
                await SendAsync(acknowledgement.WrittenMemory);
            }
        }
    }

    /// <summary>Says DISCONNECT, if there is still somebody to say it to, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync(new ConnectionEnd.ByUs(), ReasonCode.Success);
        await Ended;
        await Task.WhenAll(receiving, pinging);
        ending.Dispose();
    }

    private async Task<ConnectOutcome> GreetAsync(ReadOnlyMemory<byte> connect, CancellationToken cancellation)
    {
        receiving = ReceiveAsync();
        await SendAsync(connect).AsTask().WaitAsync(cancellation);
        await Task.WhenAny(connecting.Answered, Ended).WaitAsync(cancellation);
        if (!connecting.Answered.IsCompleted)
        {
            return await Ended switch
            {
                // [MQTT-3.14.0-1] forbids a server to say that before a CONNACK; what it says is worth more than the rule.
                ConnectionEnd.ByServer(var code, var said) => new ConnectOutcome.Refused(code, said),
                var end => new ConnectOutcome.Unreachable(end.Reason),
            };
        }
        var ack = await connecting.Answered;
        if (ack.Code.IsFailure())
        {
            return new ConnectOutcome.Refused(ack.Code, ack.ReasonString);
        }
        // [MQTT-3.1.2-21], [MQTT-3.2.2-21]: the server's keep alive counts. Where it wants none, ours still finds out about a dead network.
        var silence = TimeSpan.FromSeconds(ack.ServerKeepAlive ?? options.KeepAliveSeconds);
        session = new MqttSession(ack.AssignedClientIdentifier ?? options.ClientIdentifier, silence, ack.MaximumQoS, ack.MaximumPacketSize,
            ack.WildcardSubscriptionAvailable, ack.ReasonString);
        pinging = KeepAliveAsync(silence > TimeSpan.Zero ? silence : options.KeepAlive);
        return new ConnectOutcome.Accepted(this);
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (await link.ReceiveAsync(alive) is { } packet)
            {
                if (packet is Packet.Disconnect(var code, var said))
                {
                    await EndAsync(new ConnectionEnd.ByServer(code, said));
                    return;
                }
                await TakeAsync(packet);
            }
            await EndAsync(new ConnectionEnd.NetworkLost($"{options.Endpoint} closed the connection without a word"));
        }
        catch (MqttProtocolException e)
        {
            // 4.13.1: say what is wrong, then leave.
            await EndAsync(new ConnectionEnd.ProtocolError(e.Code, e.Message), e.Code);
        }
        catch (Exception e)
        {
            await EndAsync(new ConnectionEnd.NetworkLost(Transport.Explain(e, options.Endpoint)));
        }
        finally
        {
            link.StopReceiving();
        }
    }

    private ValueTask TakeAsync(Packet packet)
    {
        switch (packet)
        {
            case Packet.ConnAck ack:
                connecting.Take(ack);
                return default;
            case Packet.Auth:
                throw MqttProtocolException.Error("[MQTT-4.12.0-6] an AUTH came, and no authentication method was named");
            case var _ when !connecting.Answered.IsCompleted:
                throw MqttProtocolException.Error("[MQTT-3.2.0-1] something came before a CONNACK");
            case Packet.Publish publish:
                return inbox.AddAsync(publish, alive);
            case Packet.SubAck ack:
                subscribing.Take(ack);
                return default;
            case Packet.PingResp:
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

    private async ValueTask SendAsync(ReadOnlyMemory<byte> packet)
    {
        try
        {
            await link.SendAsync(packet, last: false, alive);
        }
        catch (Exception e)
        {
            // Whoever receives finds out too, and may yet find the server's last word, which is worth more than this.
            logger.LogDebug("{Endpoint}: sending failed: {Reason}", options.Endpoint, Transport.Explain(e, options.Endpoint));
        }
    }

    /// <summary>The first end counts.</summary>
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
                await link.SendAsync(PacketWriter.Encode(new Packet.Disconnect(code)), last: true, alive).AsTask().WaitAsync(options.ResponseTimeout, time);
            }
            catch (Exception)
            {
                // It was worth a try.
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

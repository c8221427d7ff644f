using System.IO.Pipelines;

namespace Exporter.Sandbox;

/// <summary>Who may connect, and for how long.</summary>
/// <param name="ends">The end of the id token that is the password of that account; null when it is none, or over.</param>
internal sealed class BrokerRules(Func<string, string, DateTimeOffset?> ends, TimeProvider time)
{
    private volatile object? refusal;

    public TimeProvider Time => time;

    public byte? Refusal { get => (byte?)refusal; set => refusal = value; }

    /// <summary>Null when a connection is refused.</summary>
    public DateTimeOffset? EndOf(string account, string password) => ends(account, password);
}

/// <summary>One connection at the broker. Its reader is alone; anybody may publish to it or end it.</summary>
internal sealed class BrokerSession : IAsyncDisposable
{
    private const byte Success = 0x00;
    private const byte BadUserNameOrPassword = 0x86;
    private const byte NotAuthorized = 0x87;
    private const byte KeepAliveTimeout = 0x8D;
    private const byte MaximumConnectTime = 0xA0;

    private readonly Stream stream;
    private readonly BrokerRules rules;
    private readonly PipeReader reader;
    private readonly CancellationTokenSource over;
    private readonly SemaphoreSlim writing = new(1);
    private readonly List<ITimer> timers = [];
    private volatile IReadOnlyList<(string Filter, int QoS)> filters = [];
    private TimeSpan silence = Timeout.InfiniteTimeSpan;
    private ITimer? alive;
    private int identifier;

    public BrokerSession(Stream stream, BrokerRules rules, CancellationToken stopping)
    {
        (this.stream, this.rules) = (stream, rules);
        reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
        over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    /// <summary>The user name: BMW's gcid.</summary>
    public string Account { get; private set; } = "";

    public DateTimeOffset LastHeard { get; private set; }

    public IEnumerable<string> Filters => filters.Select(f => f.Filter);

    /// <summary>Answers CONNECT; false when that was a refusal.</summary>
    public async Task<bool> BeginAsync()
    {
        if (await NextAsync() is not Said.Connect connect)
        {
            throw new InvalidDataException("[MQTT-3.1.0-1] the first packet is CONNECT");
        }
        var (user, password) = (connect.User ?? "", connect.Password ?? "");
        var end = rules.EndOf(user, password);
        var reason = rules.Refusal ?? (end is not null ? Success : user.Length == 0 || password.Length == 0 ? BadUserNameOrPassword : NotAuthorized);
        if (reason != Success)
        {
            await WriteAsync(Saying.ConnAck(reason));
            return false;
        }
        Account = user;
        // Its clocks run when the client hears of it.
        // The connection ends with the token that it was opened with.
        var left = end!.Value - rules.Time.GetUtcNow();
        timers.Add(rules.Time.CreateTimer(_ => _ = EndAsync(MaximumConnectTime), null, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        if (connect.KeepAlive > 0)
        {
            // MQTT 5, section 3.1.2.10: one and a half times the keep alive.
            silence = TimeSpan.FromSeconds(connect.KeepAlive * 1.5);
            alive = rules.Time.CreateTimer(_ => _ = EndAsync(KeepAliveTimeout), null, silence, Timeout.InfiniteTimeSpan);
            timers.Add(alive);
        }
        await WriteAsync(Saying.ConnAck(Success));
        return true;
    }

    public async Task RunAsync()
    {
        while (await NextAsync() is { } said)
        {
            LastHeard = rules.Time.GetUtcNow();
            alive?.Change(silence, Timeout.InfiniteTimeSpan);
            switch (said)
            {
                case Said.Subscribe subscribe:
                    await GrantAsync(subscribe);
                    break;
                case Said.PingReq:
                    await WriteAsync(Saying.PingResp());
                    break;
                case Said.PubAck:
                    break;
                case Said.Disconnect:
                    return;
                default:
                    // Nobody publishes to BMW.
                    await EndAsync(NotAuthorized);
                    return;
            }
        }
    }

    /// <summary>Whether it has subscribed to that, and the message was written.</summary>
    public async Task<bool> PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        if (filters.FirstOrDefault(f => Matches(f.Filter, topic)) is not { Filter: not null, QoS: var qos })
        {
            return false;
        }
        // No identifier is zero [MQTT-2.2.1-3].
        ushort? id = qos == 0 ? null : (ushort)(Interlocked.Increment(ref identifier) % 65535 + 1);
        try
        {
            await WriteAsync(Saying.Publish(topic, payload.Span, id));
            return true;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Says why, and ends it.</summary>
    public async Task EndAsync(byte reason)
    {
        try
        {
            await WriteAsync(Saying.Disconnect(reason));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Then it has ended.
        }
        Cut();
    }

    public void Cut()
    {
        try
        {
            over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Then it has ended.
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var timer in timers)
        {
            await timer.DisposeAsync();
        }
        await reader.CompleteAsync();
        over.Dispose();
        writing.Dispose();
    }

    /// <summary>The first level is the own account's, and a topic of another costs the connection, as at BMW.</summary>
    private async Task GrantAsync(Said.Subscribe subscribe)
    {
        var mine = subscribe.Filters.Select(f => f.Filter.Split('/') is [var account, _] && account == Account).ToList();
        if (!mine.Contains(false))
        {
            // Before the answer: who has it misses nothing. A filter that comes again replaces the one that was (section 3.8.4).
            filters = [.. filters.Where(f => subscribe.Filters.All(s => s.Filter != f.Filter)), .. subscribe.Filters];
        }
        await WriteAsync(Saying.SubAck(subscribe.Identifier, [.. subscribe.Filters.Select((f, i) => mine[i] ? (byte)Math.Min(f.QoS, 1) : NotAuthorized)]));
        if (mine.Contains(false))
        {
            await EndAsync(NotAuthorized);
        }
    }

    private static bool Matches(string filter, string topic)
    {
        var (wanted, levels) = (filter.Split('/'), topic.Split('/'));
        return wanted.Length == levels.Length && wanted.Zip(levels).All(pair => pair.First is "+" or "#" || pair.First == pair.Second);
    }

    private async Task<Said?> NextAsync()
    {
        while (true)
        {
            var read = await reader.ReadAsync(over.Token);
            var buffer = read.Buffer;
            var said = Said.Read(ref buffer);
            reader.AdvanceTo(buffer.Start, said is null ? read.Buffer.End : buffer.Start);
            if (said is not null || read.IsCompleted)
            {
                return said;
            }
        }
    }

    private async Task WriteAsync(byte[] packet)
    {
        await writing.WaitAsync(over.Token);
        try
        {
            await stream.WriteAsync(packet, over.Token);
            await stream.FlushAsync(over.Token);
        }
        finally
        {
            writing.Release();
        }
    }
}

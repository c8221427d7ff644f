using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Exporter.Sandbox;

/// <summary>Authenticates clients.</summary>
/// <param name="expiryOf">Returns the expiry of an account's ID token; null if the token is invalid or has expired.</param>
internal sealed class BrokerRules(Func<string, string, DateTimeOffset?> expiryOf, TimeProvider time)
{
    private volatile object? rejectionCode;

    public TimeProvider Time => time;

    public byte? RejectionCode { get => (byte?)rejectionCode; set => rejectionCode = value; }

    /// <summary>Null if the broker rejects the connection.</summary>
    public DateTimeOffset? ExpiryOf(string account, string password) => expiryOf(account, password);
}

/// <summary>One connection at the broker. Thread-safe.</summary>
internal sealed class BrokerSession : IDisposable
{
    private readonly IMqttChannelAdapter connection;
    private readonly TimeProvider time;
    private readonly TimeSpan keepAliveTimeout;
    private readonly ITimer expiryTimer;
    private readonly ITimer keepAliveTimer;
    private volatile IReadOnlyList<string> filters = [];
    private bool closed;

    /// <param name="keepAlive">Zero disables the keep-alive.</param>
    public BrokerSession(string clientId, string account, IMqttChannelAdapter connection, DateTimeOffset end, TimeSpan keepAlive, TimeProvider time)
    {
        (ClientId, Account, this.connection, this.time) = (clientId, account, connection, time);
        expiryTimer = DisconnectAfter(TimeSpan.FromTicks(Math.Max(0, (end - time.GetUtcNow()).Ticks)), MqttDisconnectReasonCode.MaximumConnectTime);
        // MQTT 5, 3.1.2.10: one and a half times the keep-alive.
        keepAliveTimeout = keepAlive > TimeSpan.Zero ? 1.5 * keepAlive : Timeout.InfiniteTimeSpan;
        keepAliveTimer = DisconnectAfter(keepAliveTimeout, MqttDisconnectReasonCode.KeepAliveTimeout);
    }

    public string ClientId { get; }

    /// <summary>The user name: BMW's gcid.</summary>
    public string Account { get; }

    public DateTimeOffset LastPacketAt { get; private set; }

    public IReadOnlyList<string> Filters => Volatile.Read(ref closed) ? [] : filters;

    public void OnPacket()
    {
        LastPacketAt = time.GetUtcNow();
        keepAliveTimer.Change(keepAliveTimeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>BMW allows only the topics of the account: <c>gcid/vin</c> and <c>gcid/+</c>.</summary>
    public bool IsAllowed(string filter) => filter.Split('/') is [var account, _] && account == Account;

    public void Add(string filter) => filters = [.. filters.Where(f => f != filter), filter];

    public bool IsSubscribed(string topic) =>
        Filters.Any(filter => MqttTopicFilterComparer.Compare(topic, filter) == MqttTopicFilterCompareResult.IsMatch);

    /// <summary>Sends DISCONNECT with the reason, after <paramref name="first"/> if there is one, and closes the connection.</summary>
    public async Task DisconnectAsync(MqttDisconnectReasonCode reason, MqttPacket? first = null)
    {
        if (Interlocked.Exchange(ref closed, true))
        {
            return;
        }
        try
        {
            if (first is not null)
            {
                await connection.SendPacketAsync(first, CancellationToken.None);
            }
            await connection.SendPacketAsync(new MqttDisconnectPacket { ReasonCode = reason }, CancellationToken.None);
        }
        catch (Exception)
        {
            // The client has already disconnected.
        }
        Drop();
    }

    /// <summary>Closes the connection without a DISCONNECT.</summary>
    public void Drop()
    {
        Volatile.Write(ref closed, true);
        connection.Dispose();
    }

    public void Dispose()
    {
        Volatile.Write(ref closed, true);
        expiryTimer.Dispose();
        keepAliveTimer.Dispose();
    }

    private ITimer DisconnectAfter(TimeSpan wait, MqttDisconnectReasonCode reason) =>
        time.CreateTimer(_ => _ = DisconnectAsync(reason), null, wait, Timeout.InfiniteTimeSpan);
}

using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Exporter.Web;

/// <summary>
/// Limits the connections of all listeners, so that idle clients use up no file descriptors and never block a scrape or a health check. At
/// the limit, a new connection closes the oldest idle one. Safe for concurrent use.
/// </summary>
/// <param name="options">One address may use <see cref="WebOptions.ConnectionsPerAddress"/>; by default half of all connections.</param>
internal sealed class ConnectionLimits(WebOptions options, TimeProvider time, ILogger<ConnectionLimits> logger)
{
    /// <summary>For token files, requests to providers and logs.</summary>
    private const int ReservedDescriptors = 256;
    private const int MaxConnections = 1000;
    private const int MinConnections = 64;

    /// <summary>A connection without a complete request ends after this time, before or after its TLS handshake.</summary>
    private static readonly TimeSpan FirstRequestTimeout = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly LinkedList<Connection> idle = [];
    private readonly Dictionary<IPAddress, int> addresses = [];
    private int count;
    private int closedSinceLog;
    private long? lastLog;

    /// <summary>The number of connections of all listeners together.</summary>
    public int Max { get; } =
        (int)Math.Clamp((ProcessMetrics.MaxOpenFiles ?? double.MaxValue) - ReservedDescriptors, MinConnections, MaxConnections);

    private int MaxPerAddress => options.ConnectionsPerAddress ?? Max / 2;

    /// <summary>Middleware of a listener, before its TLS handshake.</summary>
    public async Task HandleAsync(ConnectionContext context, ConnectionDelegate next)
    {
        var connection = new Connection(context);
        if (!TryAdd(connection))
        {
            context.Abort();
            return;
        }
        try
        {
            context.Features.Set(connection);
            await using var timer = time.CreateTimer(_ => CloseWithoutRequest(connection), null, FirstRequestTimeout, Timeout.InfiniteTimeSpan);
            await next(context);
        }
        finally
        {
            Remove(connection);
        }
    }

    /// <summary>Middleware of requests. A connection with a request is not idle.</summary>
    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var connection = context.Features.Get<Connection>()!;
        BeginRequest(connection);
        try
        {
            await next(context);
        }
        finally
        {
            EndRequest(connection);
        }
    }

    /// <summary>Adds a connection, at the limit in exchange for the oldest idle one. False when no connection is idle.</summary>
    private bool TryAdd(Connection connection)
    {
        Connection? oldest = null;
        lock (gate)
        {
            var ofAddress = addresses.GetValueOrDefault(connection.Address);
            if (ofAddress >= MaxPerAddress || count >= Max)
            {
                ReportLimit();
                oldest = idle.FirstOrDefault(c => ofAddress < MaxPerAddress || c.Address.Equals(connection.Address));
                if (oldest is null)
                {
                    return false;
                }
                SetIdle(oldest, false);
            }
            addresses[connection.Address] = ofAddress + 1;
            count++;
            SetIdle(connection, true);
        }
        oldest?.Context.Abort();
        return true;
    }

    private void Remove(Connection connection)
    {
        lock (gate)
        {
            connection.IsClosed = true;
            SetIdle(connection, false);
            count--;
            if (--addresses[connection.Address] == 0)
            {
                addresses.Remove(connection.Address);
            }
        }
    }

    private void BeginRequest(Connection connection)
    {
        lock (gate)
        {
            connection.HadRequest = true;
            connection.Requests++;
            SetIdle(connection, false);
        }
    }

    private void EndRequest(Connection connection)
    {
        lock (gate)
        {
            // HTTP/2 has several requests at a time.
            SetIdle(connection, --connection.Requests == 0 && !connection.IsClosed);
        }
    }

    private void CloseWithoutRequest(Connection connection)
    {
        lock (gate)
        {
            if (connection.HadRequest)
            {
                return;
            }
        }
        connection.Context.Abort();
    }

    private void SetIdle(Connection connection, bool isIdle)
    {
        if (connection.Node.List is not null)
        {
            idle.Remove(connection.Node);
        }
        if (isIdle)
        {
            idle.AddLast(connection.Node);
        }
    }

    /// <summary>Logs once a minute, because an attacker opens thousands of connections in that time.</summary>
    private void ReportLimit()
    {
        closedSinceLog++;
        if (lastLog is not { } last || time.GetElapsedTime(last) >= LogInterval)
        {
            logger.LogWarning(
                "too many connections: {Count} closed since the last such line; at most {Max} are open, and {PerAddress} from one address",
                closedSinceLog, Max, MaxPerAddress);
            (lastLog, closedSinceLog) = (time.GetTimestamp(), 0);
        }
    }

    /// <summary>A connection, as a feature of its requests too.</summary>
    private sealed class Connection
    {
        public Connection(ConnectionContext context)
        {
            Context = context;
            Address = (context.RemoteEndPoint as IPEndPoint)?.Address is { } address ? ClientNetwork.Of(address).BaseAddress : IPAddress.None;
            Node = new LinkedListNode<Connection>(this);
        }

        public ConnectionContext Context { get; }

        /// <summary>The client's address; for IPv6 its network, because a client has as many addresses as it wants.</summary>
        public IPAddress Address { get; }

        /// <summary>In the list of idle connections while the connection is idle.</summary>
        public LinkedListNode<Connection> Node { get; }

        public int Requests { get; set; }

        public bool HadRequest { get; set; }

        public bool IsClosed { get; set; }
    }
}

using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Exporter.Web;

/// <summary>
/// Limits the connections of all listeners, so that clients use up no file descriptors and never block a scrape or a health check. At the
/// limit, a new connection closes the one that has waited longest for its client: for a request, for the rest of one, or for reading the
/// response. Safe for concurrent use.
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
    private readonly LinkedList<Connection> waiting = [];
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

    /// <summary>Middleware of requests. A connection is not closed for a new one while the program works on a request.</summary>
    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var work = new RequestWork(this, context.Features.GetRequiredFeature<Connection>());
        context.Features.Set(work);
        // The response is complete, and sending it depends on the client. An aborted request never starts its response.
        context.Response.OnStarting(EndAsync, work);
        work.Begin();
        try
        {
            await next(context);
        }
        finally
        {
            work.End();
        }

        static Task EndAsync(object work)
        {
            ((RequestWork)work).End();
            return Task.CompletedTask;
        }
    }

    /// <summary>Reads the form. Meanwhile, the connection can be closed for a new one.</summary>
    /// <exception cref="OperationCanceledException">The connection was closed, or the token was canceled.</exception>
    /// <exception cref="InvalidDataException">The form is malformed.</exception>
    public static async Task ReadFormAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var work = context.Features.GetRequiredFeature<RequestWork>();
        work.End();
        await context.Request.ReadFormAsync(cancellationToken);
        work.Begin();
    }

    /// <summary>Adds a connection, at the limit in exchange for one that waits for its client. False when none waits.</summary>
    private bool TryAdd(Connection connection)
    {
        Connection? oldest = null;
        lock (gate)
        {
            var ofAddress = addresses.GetValueOrDefault(connection.Address);
            if (ofAddress >= MaxPerAddress || count >= Max)
            {
                ReportLimit();
                oldest = waiting.FirstOrDefault(c => ofAddress < MaxPerAddress || c.Address.Equals(connection.Address));
                if (oldest is null)
                {
                    return false;
                }
                SetWaiting(oldest, false);
            }
            addresses[connection.Address] = ofAddress + 1;
            count++;
            SetWaiting(connection, true);
        }
        oldest?.Context.Abort();
        return true;
    }

    private void Remove(Connection connection)
    {
        lock (gate)
        {
            connection.IsClosed = true;
            SetWaiting(connection, false);
            count--;
            if (--addresses[connection.Address] == 0)
            {
                addresses.Remove(connection.Address);
            }
        }
    }

    private void Change(RequestWork work, bool isActive)
    {
        lock (gate)
        {
            if (work.IsActive != isActive)
            {
                var connection = work.Connection;
                (work.IsActive, connection.HadRequest) = (isActive, true);
                // HTTP/2 has several requests at a time.
                connection.ActiveRequests += isActive ? 1 : -1;
                SetWaiting(connection, connection.ActiveRequests == 0 && !connection.IsClosed);
            }
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

    private void SetWaiting(Connection connection, bool isWaiting)
    {
        if (connection.Node.List is not null)
        {
            waiting.Remove(connection.Node);
        }
        if (isWaiting)
        {
            waiting.AddLast(connection.Node);
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

        /// <summary>In the list while the connection waits for its client.</summary>
        public LinkedListNode<Connection> Node { get; }

        public int ActiveRequests { get; set; }

        public bool HadRequest { get; set; }

        public bool IsClosed { get; set; }
    }

    /// <summary>The program's work on a request, as a feature of the request.</summary>
    private sealed class RequestWork(ConnectionLimits limits, Connection connection)
    {
        public Connection Connection => connection;

        public bool IsActive { get; set; }

        public void Begin() => limits.Change(this, true);

        public void End() => limits.Change(this, false);
    }
}

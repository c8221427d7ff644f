using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Exporter.Sandbox;

/// <summary>
/// BMW's stream: MQTT 5 over TLS with a certificate of its own. A connection is one account's and there is no second; its
/// password is a live id token, and it ends with that. Publishes what it is given and keeps nothing for who is not there. Thread-safe.
/// </summary>
public sealed class BmwBroker : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<string, BrokerSession> sessions = new();
    private readonly TcpListener listener;
    private readonly X509Certificate2 certificate;
    private readonly BrokerRules rules;
    private readonly Task accepting;
    private int connects;

    /// <param name="listen">Port 0 takes a free one.</param>
    internal BmwBroker(IPEndPoint listen, BrokerRules rules)
    {
        this.rules = rules;
        certificate = SelfSigned();
        listener = new TcpListener(listen);
        listener.Start();
        EndPoint = (IPEndPoint)listener.LocalEndpoint;
        accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>What a client has to trust.</summary>
    public string CertificatePem => certificate.ExportCertificatePem();

    /// <summary>Connections that were let in, ever.</summary>
    public int Connects => connects;

    /// <summary>Who is connected and subscribed: their filters.</summary>
    public IReadOnlyList<string> Subscriptions => [.. sessions.Values.SelectMany(s => s.Filters)];

    /// <summary>When anybody who is connected last said something; null while nobody is.</summary>
    public DateTimeOffset? LastHeard => sessions.Values.Max(s => (DateTimeOffset?)s.LastHeard);

    /// <summary>A reason code for every connection that asks from now on; null lets them in again.</summary>
    public byte? Refusal { get => rules.Refusal; set => rules.Refusal = value; }

    /// <summary>Sends a message to who follows that car now; how many that were.</summary>
    /// <param name="topic"><c>GCID/VIN</c>.</param>
    public async Task<int> PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        var sent = 0;
        foreach (var session in sessions.Values)
        {
            sent += await session.PublishAsync(topic, payload) ? 1 : 0;
        }
        return sent;
    }

    /// <summary>Cuts every connection without a word, as a broken network does.</summary>
    public void Cut()
    {
        foreach (var session in sessions.Values)
        {
            session.Cut();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (stopping.IsCancellationRequested)
        {
            return;
        }
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        certificate.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stopping.Token);
                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped, be it between two calls of it.
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stopping.Token);
            await using var session = new BrokerSession(tls, rules, stopping.Token);
            if (!await session.BeginAsync())
            {
                return;
            }
            Interlocked.Increment(ref connects);
            // MQTT 5, section 3.14.2.1: 0x8E, session taken over. One connection for an account, whatever its client id.
            BrokerSession? other;
            lock (sessions)
            {
                // In one step, lest two that come at once both find nobody.
                sessions.TryGetValue(session.Account, out other);
                sessions[session.Account] = session;
            }
            try
            {
                await (other?.EndAsync(0x8E) ?? Task.CompletedTask);
                await session.RunAsync();
            }
            finally
            {
                sessions.TryRemove(KeyValuePair.Create(session.Account, session));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or InvalidDataException or ObjectDisposedException)
        {
            // A client that went away, or was sent away.
        }
    }

    /// <summary>Certificates are checked by the machine's clock, not by the sandbox's.</summary>
    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=sandbox of BMW's stream", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddYears(1));
    }
}

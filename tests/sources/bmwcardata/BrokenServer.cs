using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Exporter.Tests.BmwCarData;

/// <summary>A TLS server on 127.0.0.1 that accepts every CONNECT and responds to the next packet with the same bytes.</summary>
internal sealed class BrokenServer : IAsyncDisposable
{
    private static readonly byte[] Accepted = [0x20, 3, 0, 0, 0];

    private readonly CancellationTokenSource stopping = new();
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 certificate = Mosquitto.SelfSigned();
    private readonly Task serving;

    public BrokenServer(byte[] response)
    {
        listener.Start();
        serving = ServeAsync(response);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string CertificatePem => certificate.ExportCertificatePem();

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await serving;
        listener.Dispose();
        certificate.Dispose();
        stopping.Dispose();
    }

    /// <summary>Serves one client at a time.</summary>
    private async Task ServeAsync(byte[] response)
    {
        var buffer = new byte[4096];
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var client = await listener.AcceptTcpClientAsync(stopping.Token);
                await using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stopping.Token);
                byte[][] responses = [Accepted, response];
                for (var packets = 0; await tls.ReadAsync(buffer, stopping.Token) > 0; packets++)
                {
                    // The client sends each packet in one TLS record.
                    await tls.WriteAsync(responses.ElementAtOrDefault(packets) ?? [], stopping.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or AuthenticationException)
            {
                // The client has disconnected, or the test has completed.
            }
        }
    }
}

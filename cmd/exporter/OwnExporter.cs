using System.Net.Sockets;

namespace Exporter;

/// <summary>
/// Requests to the running exporter with this configuration, without a proxy or a redirect. Over TLS, it must present the configured
/// certificate, whatever name that contains.
/// </summary>
internal sealed class OwnExporter : IDisposable
{
    private const int LargestResponse = 16 << 20;

    private readonly HttpClient http;
    private readonly TimeProvider time;

    public OwnExporter(WebOptions web, TimeProvider time)
    {
        this.time = time;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && web.IsOwnCertificate(shown);
        http = new HttpClient(handler) { MaxResponseContentBufferSize = LargestResponse };
    }

    public async Task<Reply> GetAsync(Uri address, string path, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var response = await http.GetAsync(new Uri(address, path), linked.Token);
            return new Reply.Received((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(linked.Token));
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
        {
            return new Reply.None(NetworkFailure.Describe(e), (e as HttpRequestException)?.HttpRequestError);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Reply.Late();
        }
    }

    public void Dispose() => http.Dispose();

    /// <summary>A closed set.</summary>
    internal abstract record Reply
    {
        private Reply() { }

        public sealed record Received(int Status, byte[] Body) : Reply;

        public sealed record None(string Reason, HttpRequestError? Error) : Reply;

        public sealed record Late : Reply;
    }
}

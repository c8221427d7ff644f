using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>Why a connection failed, in the words of a user instead of the exception's message.</summary>
public static partial class NetworkFailure
{
    /// <summary>A part of a sentence, without a full stop: <c>the connection to nas:9210 was refused</c>.</summary>
    public static string Describe(Exception exception)
    {
        var place = Chain(exception).Select(e => Place().Match(e.Message)).FirstOrDefault(match => match.Success)?.Groups[1].Value;
        return Chain(exception).Select(e => Known(e, place)).FirstOrDefault(reason => reason is not null)
            ?? Sanitize.Line(exception.GetBaseException().Message).TrimEnd('.');
    }

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            yield return inner;
        }
    }

    private static string? Known(Exception exception, string? place) => exception switch
    {
        SocketException socket => OfSocket(socket, place),
        AuthenticationException tls => OfTls(tls.Message) + (place is null ? "" : $" ({place})"),
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } =>
            "the server closed the connection before its answer was complete",
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => "the answer is not HTTP",
        HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } => "the proxy rejected the connection",
        _ => null,
    };

    private static string? OfSocket(SocketException socket, string? place)
    {
        var to = place is null ? "" : $" to {place}";
        return socket.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => $"the connection{to} was refused, because no program listens there",
            SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => $"the other side closed the connection{to}",
            SocketError.HostNotFound or SocketError.NoData => place is null ? "the host name is unknown" : $"the host name of {place} is unknown",
            SocketError.TryAgain => "the name server does not answer",
            SocketError.TimedOut => $"the connection{to} got no answer",
            SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown =>
                $"there is no route{to}; check the network",
            SocketError.AddressAlreadyInUse => "another program uses this address",
            SocketError.AddressNotAvailable => "this machine does not have this address",
            SocketError.AccessDenied => "only root may use this port",
            _ => null,
        };
    }

    private static string OfTls(string message) =>
        message.Contains("NameMismatch", StringComparison.Ordinal) ? "the certificate is for another host name"
        : message.Contains("NotTimeValid", StringComparison.Ordinal) ? "the certificate has expired or is not valid yet"
        : message.Contains("UntrustedRoot", StringComparison.Ordinal) || message.Contains("PartialChain", StringComparison.Ordinal)
            ? "no trusted authority issued the certificate"
        : message.Contains("certificate", StringComparison.OrdinalIgnoreCase) ? "the certificate is not accepted"
        : "the server does not accept TLS";

    /// <summary>The host and the port that .NET appends to its messages.</summary>
    [GeneratedRegex(@"\(([^()\s]+:\d+)\)\.?$")]
    private static partial Regex Place();
}

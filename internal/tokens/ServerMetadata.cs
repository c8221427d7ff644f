using System.Net;
using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>
/// The metadata of an authorization server (OpenID Connect Discovery 1.0; RFC 8414). Requested when it is first needed, and again after a
/// day or a failed request. Every failure is temporary. Safe for concurrent use.
/// </summary>
/// <param name="http">Must not follow redirects: they could lead from HTTPS to plain HTTP.</param>
public sealed class ServerMetadata(HttpClient http, Uri issuer, TimeProvider time)
{
    private const string AuthorizationServer = "/.well-known/oauth-authorization-server";

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>How long to use the previous document after a request for a new one has failed.</summary>
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private Task<Result<JsonMembers, Renewal>>? flight;
    private JsonMembers? document;
    private Deadline? next;

    public Uri Issuer => issuer;

    /// <summary>The server's addresses of the metadata, in the order of the requests.</summary>
    internal IReadOnlyList<Uri> Addresses
    {
        get
        {
            // OpenID Connect Discovery 1.0, section 4: "any terminating / MUST be removed before appending /.well-known/openid-configuration".
            var (origin, path) = (issuer.GetLeftPart(UriPartial.Authority), issuer.AbsolutePath.TrimEnd('/'));
            // RFC 8414, section 3.1: the well-known path is inserted between the host and the path of the issuer.
            return [new($"{origin}{path}/.well-known/openid-configuration"), new($"{origin}{AuthorizationServer}{path}")];
        }
    }

    /// <summary>The address of an endpoint, by the name of its member in the metadata.</summary>
    public EndpointAddress Endpoint(string member) => new($"{issuer.OriginalString} {member}", token => FindAsync(member, token), Reconsider);

    /// <summary>The document, or a temporary failure. Throws only when <paramref name="cancellationToken"/> is cancelled.</summary>
    public async Task<Result<JsonMembers, Renewal>> ReadAsync(CancellationToken cancellationToken)
    {
        Task<Result<JsonMembers, Renewal>> shared;
        lock (gate)
        {
            if (document is { } known && next?.IsDue(time) == false)
            {
                return known;
            }
            if (flight is null or { IsCompleted: true })
            {
                // Without the caller's cancellation token, because all callers share the request.
                flight = Task.Run(RefreshAsync, CancellationToken.None);
            }
            shared = flight;
        }
        return await shared.WaitAsync(cancellationToken);
    }

    private async Task<Result<JsonMembers, Renewal>> RefreshAsync()
    {
        var (found, failure) = await RequestAsync();
        lock (gate)
        {
            next = Instant.Now(time).In(found is null ? RetryAfterFailure : Lifetime);
            document = found ?? document;
            // Addresses rarely change, so an old document is better than no renewal.
            return document is { } usable ? usable : failure!;
        }
    }

    private async Task<Result<Uri, Renewal>> FindAsync(string member, CancellationToken cancellationToken)
    {
        var (read, failure) = await ReadAsync(cancellationToken);
        if (read is null)
        {
            return failure!;
        }
        if (read.TextOnly(member) is not { } text)
        {
            return Unusable($"the metadata of {issuer.OriginalString} has no {member}; set {member}");
        }
        return !Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")
            ? Unusable($"the {member} in the metadata of {issuer.OriginalString} is not a URL; set {member}")
            // RFC 8414, section 2: endpoints use HTTPS. A server that is tested without TLS has an issuer without TLS.
            : address.Scheme == "http" && issuer.Scheme != "http"
            ? Unusable($"the {member} in the metadata of {issuer.OriginalString} does not use HTTPS; set {member}")
            : address;
    }

    private void Reconsider()
    {
        lock (gate)
        {
            next = null;
        }
    }

    private async Task<Result<JsonMembers, Renewal>> RequestAsync()
    {
        Renewal? first = null;
        foreach (var address in Addresses)
        {
            var (found, failure, isElsewhere) = await RequestAsync(address);
            if (found is not null)
            {
                return found;
            }
            first ??= failure;
            if (!isElsewhere)
            {
                return failure!;
            }
        }
        return first!;
    }

    /// <summary>Requests one of the addresses. The last part of the result is whether the document may be at the other address.</summary>
    private async Task<(JsonMembers? Found, Renewal? Failure, bool IsElsewhere)> RequestAsync(Uri address)
    {
        using var timeout = new CancellationTokenSource(TokenEndpoint.RequestTimeout, new RunningTime(time));
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            if (response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500)
            {
                var kind = response.StatusCode == HttpStatusCode.TooManyRequests ? FailureKind.RateLimited : FailureKind.ServerError;
                return (null, new Renewal.Transient(
                    kind, $"{address.AbsoluteUri} returns HTTP {(int)response.StatusCode}", RetryAfter.ReadSigned(response.Headers, time)), false);
            }
            var body = await TokenEndpoint.ReadAsync(response.Content, timeout.Token);
            return !response.IsSuccessStatusCode || body is null || JsonMembers.TryParse(body) is not { } members
                ? (null, Unusable($"there is no metadata of the server at {address.AbsoluteUri} (HTTP {(int)response.StatusCode}); "
                    + "correct issuer, or set the endpoints"), true)
                : IssuerProblem(members) is { } problem ? (null, Unusable(problem), false)
                : (members, null, false);
        }
        catch (OperationCanceledException)
        {
            var seconds = TokenEndpoint.RequestTimeout.TotalSeconds;
            return (null, new Renewal.Transient(FailureKind.Timeout, $"{address.Host} did not send its metadata within {seconds:0} seconds"), false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, new Renewal.Transient(
                FailureKind.Network, $"the metadata of the server cannot be read ({NetworkFailure.Describe(e)})"), false);
        }
    }

    /// <summary>
    /// RFC 8414, section 3.3: the issuer "MUST be identical" to the one that the address was made of. A slash at the end is tolerated, because
    /// the address is the same with and without it.
    /// </summary>
    private string? IssuerProblem(JsonMembers members)
    {
        var sent = members.TextOnly("issuer");
        return sent is not null && WithoutSlash(sent) == WithoutSlash(issuer.OriginalString) ? null
            : $"the metadata of {issuer.OriginalString} {(sent is null ? "has no issuer" : $"has the issuer {Sanitize.Line(sent)}")}; correct issuer";

        static string WithoutSlash(string text) => text.EndsWith('/') ? text[..^1] : text;
    }

    private static Renewal.Transient Unusable(string reason) => new(FailureKind.UnknownAnswer, reason);
}

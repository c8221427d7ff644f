using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using System.Web;

namespace Exporter.Tokens;

/// <summary>
/// How a client authenticates at the token endpoint (RFC 6749, section 2.3.1). Configured per provider and never tried out: a trial may
/// spend a single-use token.
/// </summary>
public enum ClientAuthentication
{
    /// <summary>Id and secret as form fields.</summary>
    Post,

    /// <summary>Id and secret as HTTP Basic.</summary>
    Basic,

    /// <summary>A public client: the id as a form field.</summary>
    None,
}

/// <summary>A registered client.</summary>
public sealed record OAuthClient(string Id, Secret? Secret, ClientAuthentication Authentication = ClientAuthentication.Post);

/// <summary>A provider's own members of an error response, beside <c>error</c> and <c>error_description</c>.</summary>
/// <param name="Description">Describes the error; read when there is no <c>error_description</c>.</param>
/// <param name="Reference">The id that the provider's support needs to find the response.</param>
public sealed record ErrorMembers(string? Description = null, string? Reference = null)
{
    internal static string? TextOf(JsonMembers? response, string? member) => member is null ? null : response?.Text(member);
}

/// <summary>
/// A token endpoint (RFC 6749, section 3.2). Sends one form, once, and returns the outcome. Never retries, because a refresh token may be
/// single-use; the token manager decides. Safe for concurrent use.
/// </summary>
/// <param name="http">Must not follow redirects, or it would send credentials to another address; see <see cref="CreateHttp"/>.</param>
/// <param name="client">The registered client; null while its id is unknown, because the file that contains it is not read yet.</param>
/// <param name="classify">The provider's classification of errors; by default <see cref="TokenError.Classify"/>.</param>
/// <param name="complete">Adds to a token what the provider documents but does not return, such as the lifetime of a refresh token.</param>
/// <param name="prepare">Called with each request before it is sent, for example to set options for a handler of <paramref name="http"/>.</param>
public sealed class TokenEndpoint(
    HttpClient http,
    EndpointAddress address,
    Func<OAuthClient?> client,
    TimeProvider time,
    Func<TokenError, Renewal>? classify = null,
    Func<Token, Token>? complete = null,
    Action<HttpRequestMessage>? prepare = null)
{
    /// <summary>How long to wait for the response of a token endpoint.</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);

    private const int LargestResponse = 1 << 20;

    /// <summary>The fields of a form that are not secret.</summary>
    private static readonly HashSet<string> PublicFields = ["grant_type", "scope", "redirect_uri", "client_id"];

    public TokenEndpoint(
        HttpClient http,
        EndpointAddress address,
        OAuthClient client,
        TimeProvider time,
        Func<TokenError, Renewal>? classify = null,
        Action<HttpRequestMessage>? prepare = null)
        : this(http, address, () => client, time, classify, prepare: prepare)
    {
    }

    public OAuthClient? Client => client();

    /// <summary>The members of an error response beside those of RFC 6749.</summary>
    public ErrorMembers ErrorMembers { get; init; } = new();

    /// <summary>Further fields of every token request. Their values may be secret.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraParameters { get; init; } = [];

    /// <summary>The member of a response that contains the token, with dots for nested ones; null for the response itself.</summary>
    public string? TokenAt { get; init; }

    /// <summary>Whether a response with a success status is an error, for a server that does not use <c>error</c> (RFC 6749, section 5.2).</summary>
    public Func<JsonElement, bool>? IsError { get; init; }

    /// <summary>Differs from that of every other endpoint.</summary>
    internal string Location => address.ToString();

    /// <summary>A client for token endpoints: no redirects, no cookies, and new connections every few minutes to follow address changes.</summary>
    public static HttpClient CreateHttp() =>
        new(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan, DefaultRequestHeaders = { UserAgent = { UserAgent.Product } } };

    /// <summary>The network of <see cref="CreateHttp"/>, for a client with handlers of its own.</summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        // So that a changed DNS entry takes effect.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    /// <summary>The parameters of a form or a query, without those that are empty.</summary>
    internal static IReadOnlyList<KeyValuePair<string, string>> Parameters(params IEnumerable<(string Name, string? Value)> parameters) =>
        [.. parameters.Where(p => !string.IsNullOrEmpty(p.Value)).Select(p => KeyValuePair.Create(p.Name, p.Value!))];

    /// <summary>Sends the form and returns the outcome. Throws only when <paramref name="cancellationToken"/> is cancelled.</summary>
    public async Task<Renewal> RequestAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        (await RequestWithErrorAsync(form, cancellationToken)).Outcome;

    /// <summary>Also returns the error of the endpoint, for a grant that defines error codes of its own.</summary>
    internal async Task<(Renewal Outcome, TokenError? Error)> RequestWithErrorAsync(
        IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var response = await PostAsync([.. form, .. ExtraParameters], mayBeEmpty: false, cancellationToken);
        // The lifetime counts from the response, which may have waited for a process that was stopped. So it counts from the request here.
        var issuedAt = time.GetUtcNow() - time.GetElapsedTime(started);
        if (response.Members is not { } members)
        {
            return (response.Failure!, response.Error);
        }
        Renewal outcome = TokenResponse.Inner(members, TokenAt) is not { } holder
            ? new Renewal.Transient(
                FailureKind.MalformedAnswer, $"the response of the token endpoint has no object {TokenAt}, where the token must be")
            : TokenResponse.ReadToken(holder, issuedAt) is { } token ? new Renewal.Renewed(Complete(token))
            : new Renewal.Transient(FailureKind.MalformedAnswer, "the response of the token endpoint has no access token");
        return (outcome with { ClockOffset = response.ClockOffset }, null);
    }

    /// <summary>Adds the client, because only the client that a token was issued to may renew it (RFC 6749, section 6).</summary>
    private Token Complete(Token token)
    {
        var issued = token with { Members = token.Members.With("client_id", Client?.Id) };
        return complete is null ? issued : complete(issued);
    }

    /// <summary>Sends the form once. Also for related endpoints, such as those of RFC 8628 and RFC 7009.</summary>
    /// <param name="mayBeEmpty">Whether a success status needs no JSON object.</param>
    internal async Task<TokenResponse> PostAsync(
        IEnumerable<KeyValuePair<string, string>> form, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        if (client() is not { } known)
        {
            const string missing = "there is no client_id, neither in the configuration nor in the token file; set it in one of them";
            return new TokenResponse(null, new Renewal.InvalidClient(missing), null, null);
        }
        var (location, unknown) = await address.FindAsync(cancellationToken);
        if (location is null)
        {
            return new TokenResponse(null, unknown, null, null);
        }
        var fields = form.ToList();
        string?[] secrets = [.. fields.Where(field => !PublicFields.Contains(field.Key)).Select(field => field.Value), known.Secret?.Reveal()];
        return await SendAsync(CreateRequest(location, fields, known), secrets, mayBeEmpty, cancellationToken);
    }

    /// <summary>
    /// Sends a JSON object once, without client authentication, to a provider whose token request is not a form. Throws only when
    /// <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    public async Task<TokenResponse> PostJsonAsync(JsonMembers body, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        var (location, unknown) = await address.FindAsync(cancellationToken);
        if (location is null)
        {
            return new TokenResponse(null, unknown, null, null);
        }
        var content = new ByteArrayContent(body.ToBytes(JsonStyle.Compact)) { Headers = { ContentType = new("application/json") } };
        var request = CreateRequest(location, content);
        request.Headers.Authorization = authorization;
        var secrets = body.Names.Select(name => body.Text(name)).Append(authorization?.Parameter);
        return await SendAsync(request, [.. secrets], mayBeEmpty: false, cancellationToken);
    }

    /// <param name="request">Disposed of here.</param>
    /// <param name="secrets">Values of the request that must not be shown if the provider repeats them.</param>
    private async Task<TokenResponse> SendAsync(
        HttpRequestMessage request, IReadOnlyCollection<string?> secrets, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        using var _ = request;
        prepare?.Invoke(request);
        using var timeout = new CancellationTokenSource(RequestTimeout, new RunningTime(time));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var body = await ReadAsync(response.Content, either.Token);
            var offset = response.Headers.Date - time.GetUtcNow();
            if (body is null)
            {
                return Failed(FailureKind.MalformedAnswer, $"the response of the token endpoint is longer than {LargestResponse >> 20} MiB", offset);
            }
            var members = ReadMembers(body, response.Content.Headers.ContentType?.MediaType);
            var code = members?.Text("error");
            // Some servers return an error with status 200.
            var isSuccess = response.IsSuccessStatusCode && code is null && (members is not null || mayBeEmpty);
            var isOwnError = isSuccess && IsError is not null && Json.Parse(body) is { } parsed && IsError(parsed);
            if (isSuccess && !isOwnError)
            {
                return new TokenResponse(members ?? JsonMembers.Empty, null, null, offset);
            }
            var description = members?.Text("error_description") ?? ErrorMembers.TextOf(members, ErrorMembers.Description);
            var reference = ErrorMembers.TextOf(members, ErrorMembers.Reference);
            var error = new TokenError(response.StatusCode, code, description, RetryAfter.ReadSigned(response.Headers, time))
            {
                Reference = reference is null ? null : $"{ErrorMembers.Reference} {reference}",
                Content = isOwnError ? UnknownAnswer.DescribeOwnError(members)
                    : code is null && description is null ? UnknownAnswer.Describe(response, body, request.RequestUri!) : null,
                Secrets = secrets,
            };
            var failure = (isOwnError ? error.ClassifyOwn() : classify is null ? error.Classify() : classify(error)) with
            {
                ClockOffset = offset,
                Error = error.Error,
            };
            if (code is null && failure is Renewal.Transient { Kind: FailureKind.UnknownAnswer })
            {
                address.Reconsider();
            }
            return new TokenResponse(null, failure, error, offset);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed(FailureKind.Timeout, $"the token endpoint did not respond within {RequestTimeout.TotalSeconds:0} seconds");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return Failed(FailureKind.Network, $"the token endpoint cannot be reached ({NetworkFailure.Describe(e)})");
        }

        TokenResponse Failed(FailureKind kind, string reason, TimeSpan? offset = null)
        {
            address.Reconsider();
            return new(null, new Renewal.Transient(kind, reason) { ClockOffset = offset }, null, offset);
        }
    }

    private static HttpRequestMessage CreateRequest(Uri location, IEnumerable<KeyValuePair<string, string>> form, OAuthClient client)
    {
        var (id, secret, authentication) = (client.Id, client.Secret?.Reveal(), client.Authentication);
        if (authentication != ClientAuthentication.Basic)
        {
            var fields = Parameters(("client_id", id), ("client_secret", authentication == ClientAuthentication.Post ? secret : null));
            return CreateRequest(location, new FormUrlEncodedContent([.. form, .. fields]));
        }
        var request = CreateRequest(location, new FormUrlEncodedContent(form));
        // RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
        var pair = $"{Uri.EscapeDataString(id)}:{Uri.EscapeDataString(secret ?? "")}";
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        return request;
    }

    private static HttpRequestMessage CreateRequest(Uri location, HttpContent content) =>
        new(HttpMethod.Post, location) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue("application/json") } }, Content = content };

    /// <summary>
    /// The members of a response: JSON, or a form, which some servers return although RFC 6749, section 5.1, requires JSON. Null if it is neither.
    /// </summary>
    private static JsonMembers? ReadMembers(byte[] body, string? mediaType)
    {
        // A stray byte in one member must not cost the others.
        var members = JsonMembers.TryParse(Utf8.IsValid(body) ? body : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body)));
        if (members is not null || mediaType is not ("application/x-www-form-urlencoded" or "text/plain"))
        {
            return members;
        }
        var form = HttpUtility.ParseQueryString(Encoding.UTF8.GetString(body));
        return form.AllKeys.Any(name => name is "access_token" or "device_code" or "error")
            ? form.AllKeys.OfType<string>().Aggregate(JsonMembers.Empty, (read, name) => read.With(name, form[name]))
            : null;
    }

    /// <summary>The body; null when it is larger than any token response.</summary>
    internal static async Task<byte[]?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var body = new ArrayBufferWriter<byte>();
        int read;
        while ((read = await stream.ReadAsync(body.GetMemory(4096), cancellationToken)) > 0)
        {
            body.Advance(read);
            if (body.WrittenCount > LargestResponse)
            {
                return null;
            }
        }
        return body.WrittenSpan.ToArray();
    }
}

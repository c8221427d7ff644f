using System.Buffers;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>How a client names itself to the token endpoint (RFC 6749, section 2.3.1). One way per provider and never a guess: a probe may spend a single-use token.</summary>
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

/// <summary>Members of an error answer that a provider has beside <c>error</c> and <c>error_description</c>.</summary>
/// <param name="Description">What went wrong, in words; read where there is no <c>error_description</c>.</param>
/// <param name="Reference">The id by which the provider's support finds the answer.</param>
public sealed record ErrorMembers(string? Description = null, string? Reference = null)
{
    internal static string? TextOf(JsonMembers? answer, string? member) => member is null ? null : answer?.Text(member);
}

/// <summary>
/// A token endpoint (RFC 6749, section 3.2): sends one form, once, and tells what came of it. It never retries, because a
/// refresh token may be single-use; the token manager decides. Safe for concurrent use.
/// </summary>
/// <param name="http">Must not follow redirects, or credentials would be sent after one; see <see cref="CreateHttp"/>.</param>
/// <param name="client">The registered client at this moment; null while there is none, as long as its id is in a file nobody has read.</param>
/// <param name="classify">The provider's own table for errors, where the common one does not fit.</param>
/// <param name="complete">Adds to a token what the provider documents and its answer leaves out, such as how long a refresh token lives.</param>
/// <param name="prepare">Called with each request before it is sent, for example to set options that a handler of <paramref name="http"/> reads.</param>
public sealed class TokenEndpoint(
    HttpClient http, Uri address, Func<OAuthClient?> client, TimeProvider time, Func<TokenError, Renewal>? classify = null, Func<Token, Token>? complete = null,
    Action<HttpRequestMessage>? prepare = null)
{
    /// <summary>A token endpoint that has not answered by then is counted as not answering.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const int LargestAnswer = 1 << 20;

    /// <summary>The fields of a form that are no secret.</summary>
    private static readonly HashSet<string> Shown = ["grant_type", "scope", "redirect_uri", "client_id"];

    public TokenEndpoint(HttpClient http, Uri address, OAuthClient client, TimeProvider time, Func<TokenError, Renewal>? classify = null, Action<HttpRequestMessage>? prepare = null)
        : this(http, address, () => client, time, classify, prepare: prepare)
    {
    }

    public OAuthClient? Client => client();

    /// <summary>What an error answer says beside RFC 6749's members.</summary>
    public ErrorMembers ErrorMembers { get; init; } = new();

    /// <summary>A client for token endpoints: no redirects, no cookies, fresh connections every few minutes so that a change of address is noticed.</summary>
    public static HttpClient CreateHttp() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends the form and gives the outcome; throws only when <paramref name="cancellationToken"/> asks it to stop.</summary>
    public async Task<Renewal> RequestAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        (await RequestWithErrorAsync(form, cancellationToken)).Outcome;

    /// <summary>The same, with the error as the endpoint gave it, for a grant that reads more out of it.</summary>
    internal async Task<(Renewal Outcome, TokenError? Error)> RequestWithErrorAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken)
    {
        var (answer, failure, error) = await SendFormAsync(form, mayBeEmpty: false, cancellationToken);
        if (answer is null)
        {
            return (failure!, error);
        }
        return TokenAnswer.Read(answer.Members, time.GetUtcNow()) is { } token
            ? (new Renewal.Renewed(Complete(token)) { ClockOffset = answer.ClockOffset }, null)
            : (new Renewal.Transient(FailureKind.MalformedAnswer, "the token endpoint's answer has no access token") { ClockOffset = answer.ClockOffset }, null);
    }

    /// <summary>With the client it was given to, which is the only one that may renew it (RFC 6749, section 6).</summary>
    private Token Complete(Token token)
    {
        var given = token with { Members = token.Members.With("client_id", Client?.Id) };
        return complete is null ? given : complete(given);
    }

    /// <summary>For a sibling of the token endpoint, such as RFC 8628's: the members of a good answer, or the failure.</summary>
    internal async Task<(JsonMembers? Answer, Renewal? Failure)> AskAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken)
    {
        var (answer, failure, _) = await SendFormAsync(form, mayBeEmpty: false, cancellationToken);
        return (answer?.Members, failure);
    }

    /// <summary>For a sibling whose good answer says nothing, such as RFC 7009's: the failure, or null.</summary>
    internal async Task<Renewal?> TellAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        (await SendFormAsync(form, mayBeEmpty: true, cancellationToken)).Failure;

    /// <summary>
    /// For a provider whose token request is no form: sends this JSON object, once, as it is, and does not name the client. Throws only
    /// when <paramref name="cancellationToken"/> asks it to stop.
    /// </summary>
    public async Task<TokenReply> PostJsonAsync(JsonMembers body, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        var request = Request(new ByteArrayContent(body.ToBytes(JsonStyle.Compact)) { Headers = { ContentType = new("application/json") } });
        request.Headers.Authorization = authorization;
        // What is shorter is a code of the provider's, and would be struck out of its sentences for nothing.
        var secrets = body.Names.Select(name => body.Text(name) ?? "").Append(authorization?.Parameter ?? "").Where(value => value.Length > 3);
        var (answer, failure, error) = await SendAsync(request, [.. secrets], mayBeEmpty: false, cancellationToken);
        return new TokenReply(answer?.Members, failure, error, answer?.ClockOffset ?? failure?.ClockOffset);
    }

    private async Task<(Answer? Answer, Renewal? Failure, TokenError? Error)> SendFormAsync(
        IEnumerable<KeyValuePair<string, string>> form, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        if (client() is not { } known)
        {
            return (null, new Renewal.InvalidClient("there is no client_id, neither in the configuration nor in the token file; set it in one of them"), null);
        }
        var sent = form.ToList();
        string?[] secrets = [.. sent.Where(field => !Shown.Contains(field.Key)).Select(field => field.Value), known.Secret?.Reveal()];
        return await SendAsync(Request(sent, known), secrets, mayBeEmpty, cancellationToken);
    }

    /// <param name="request">Disposed of here.</param>
    /// <param name="secrets">What is in it that is not to be shown where the provider repeats it.</param>
    private async Task<(Answer? Answer, Renewal? Failure, TokenError? Error)> SendAsync(
        HttpRequestMessage request, IReadOnlyCollection<string?> secrets, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        using var _ = request;
        prepare?.Invoke(request);
        using var patience = new RunningTimeout(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var body = await ReadAsync(response.Content, either.Token);
            var offset = response.Headers.Date - time.GetUtcNow();
            if (body is null)
            {
                return (null, new Renewal.Transient(FailureKind.MalformedAnswer, $"the token endpoint's answer is longer than {LargestAnswer >> 20} MiB") { ClockOffset = offset }, null);
            }
            var members = TryParse(body);
            var code = members?.Text("error");
            // Some servers answer 200 with an error inside.
            if (response.IsSuccessStatusCode && code is null && (members is not null || mayBeEmpty))
            {
                return (new Answer(members ?? JsonMembers.Empty, offset), null, null);
            }
            var error = new TokenError(
                response.StatusCode, Scrub(code, secrets), Scrub(members?.Text("error_description") ?? ErrorMembers.TextOf(members, ErrorMembers.Description), secrets), RetryAfter(response))
            {
                Reference = Scrub(ErrorMembers.TextOf(members, ErrorMembers.Reference), secrets) is { } id ? $"{ErrorMembers.Reference} {id}" : null,
            };
            return (null, (classify is null ? error.Classify() : classify(error)) with { ClockOffset = offset, Error = error.Error }, error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, new Renewal.Transient(FailureKind.Timeout, $"the token endpoint did not answer within {Patience.TotalSeconds:0} seconds"), null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, new Renewal.Transient(FailureKind.Network, $"the token endpoint cannot be reached ({Sanitize.Line(e.Message)})"), null);
        }
    }

    private HttpRequestMessage Request(IEnumerable<KeyValuePair<string, string>> form, OAuthClient client)
    {
        var request = Request(content: null);
        switch (client.Authentication)
        {
            case ClientAuthentication.Basic:
                // RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
                var pair = $"{Uri.EscapeDataString(client.Id)}:{Uri.EscapeDataString(client.Secret?.Reveal() ?? "")}";
                request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
                break;
            case ClientAuthentication.Post when client.Secret is { } secret:
                form = [.. form, new("client_id", client.Id), new("client_secret", secret.Reveal())];
                break;
            default:
                form = [.. form, new("client_id", client.Id)];
                break;
        }
        request.Content = new FormUrlEncodedContent(form);
        return request;
    }

    private HttpRequestMessage Request(HttpContent? content) =>
        new(HttpMethod.Post, address) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue("application/json") } }, Content = content };

    /// <summary>Some servers repeat what they were sent in their descriptions, and descriptions are logged.</summary>
    private static string? Scrub(string? said, IEnumerable<string?> secrets) =>
        secrets.Where(secret => !string.IsNullOrEmpty(secret)).Aggregate(said, (text, secret) => text?.Replace(secret!, "<secret>", StringComparison.Ordinal));

    /// <summary>Retry-After in both forms (RFC 9110, section 10.2.3).</summary>
    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - (response.Headers.Date ?? time.GetUtcNow()),
        _ => null,
    };

    private static JsonMembers? TryParse(byte[] body)
    {
        try
        {
            return JsonMembers.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The body; null when it is larger than any token answer can be.</summary>
    private static async Task<byte[]?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var body = new ArrayBufferWriter<byte>();
        int read;
        while ((read = await stream.ReadAsync(body.GetMemory(4096), cancellationToken)) > 0)
        {
            body.Advance(read);
            if (body.WrittenCount > LargestAnswer)
            {
                return null;
            }
        }
        return body.WrittenSpan.ToArray();
    }

    private sealed record Answer(JsonMembers Members, TimeSpan? ClockOffset);
}

/// <summary>What came of a token request whose answer the grant reads itself: the members of a good answer, or the failure.</summary>
/// <param name="Error">What the failure was judged from; null where there was no answer.</param>
public sealed record TokenReply(JsonMembers? Answer, Renewal? Failure, TokenError? Error, TimeSpan? ClockOffset);

/// <summary>A successful answer of a token endpoint (RFC 6749, section 5.1).</summary>
public static class TokenAnswer
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token"];

    /// <summary>The longest lifetime that is believed; what is longer would leave the range of a date.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>The token of an answer; null when it has no access token.</summary>
    public static Token? Read(JsonMembers answer, DateTimeOffset now)
    {
        if (answer.Text("access_token") is not { } access)
        {
            return null;
        }
        var lifetime = Seconds(answer, "expires_in");
        return new Token
        {
            AccessToken = new Secret(access),
            RefreshToken = Secret.From(answer.Text("refresh_token")),
            IdToken = Secret.From(answer.Text("id_token")),
            Lifetime = lifetime,
            ExpiresAt = now + lifetime,
            RefreshExpiresAt = now + (Seconds(answer, "refresh_token_expires_in") ?? Seconds(answer, "refresh_expires_in")),
            Members = answer.Without(Known),
        };
    }

    /// <summary>A number of seconds as number, text or fraction; what is negative counts as zero. Null when it is missing or none.</summary>
    private static TimeSpan? Seconds(JsonMembers answer, string name) =>
        answer.Number(name) is { } seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, Longest.TotalSeconds)) : null;
}

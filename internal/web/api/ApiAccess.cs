using Microsoft.Net.Http.Headers;

namespace Exporter.Web;

/// <summary>Decides by its key what a program may do with the API (RFC 6750). Safe for concurrent use.</summary>
internal sealed class ApiAccess
{
    private const string Scheme = "Bearer ";
    private const string Challenge = "Bearer realm=\"exporter\"";

    private static readonly TimeSpan FileRetry = TimeSpan.FromSeconds(10);

    private readonly LiveFile<ApiKeys>? file;
    private readonly FailedKeys failures;
    private readonly ILogger logger;

    public ApiAccess(ApiOptions options, TimeProvider time, ILogger<ApiAccess> logger)
    {
        this.logger = logger;
        failures = new FailedKeys(time);
        file = options.KeysFile is not { } path ? null
            : new LiveFile<ApiKeys>(path, options.Keys, text => Parse(path, text), "every request of the API", "the file of API keys", logger);
    }

    /// <summary>The key of the request, or the response to a request that is not authorized.</summary>
    public Result<ApiKey, ApiProblem> Authorize(HttpContext context, string scope)
    {
        var headers = context.Request.Headers;
        if (headers.ContainsKey(HeaderNames.Origin) || headers["Sec-Fetch-Site"].ToString() is not ("" or "none"))
        {
            return Forbidden("browser", "A browser must not use the API; send the request with a program, such as curl.");
        }
        if (file is null)
        {
            return Forbidden("no_keys", $"There is no file of API keys; start the program with {ApiOptions.KeysFileSetting.Flag} FILE.");
        }
        if (file.Current() is not { } keys)
        {
            // The reason is in the log only, because the client is not authenticated.
            return new ApiProblem(StatusCodes.Status503ServiceUnavailable, "invalid_keys_file",
                "The file of API keys is invalid; fix what the log reports, and send the request again.")
            { RetryAfter = FileRetry };
        }
        var client = ClientOf(context);
        if (failures.WaitOf(client) is { } wait)
        {
            return new ApiProblem(StatusCodes.Status429TooManyRequests, "too_many_failures",
                "This client sent too many wrong keys; correct the key, and send the request again later.")
            { RetryAfter = wait };
        }
        // RFC 6750, section 2.1.
        if (headers.Authorization.ToString() is not { } authorization || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Unauthorized("no_key", "The request has no API key; send it as Authorization: Bearer KEY.", Challenge);
        }
        if (keys.Find(authorization[Scheme.Length..].Trim()) is not { } key)
        {
            if (failures.Add(client))
            {
                logger.LogWarning("the API rejects {Client}, which sent too many wrong keys", client);
            }
            // RFC 6750, section 3.1.
            return Unauthorized("wrong_key", "The API key is wrong; compare its SHA-256 hash with the file of API keys.",
                $"{Challenge}, error=\"invalid_token\"");
        }
        return key.Scopes.Contains(scope) ? key
            : Forbidden("insufficient_scope", $"The key {Sanitize.Line(key.Name, 60)} lacks the scope {scope}; add it in the file of API keys.")
                with
            { Challenge = $"{Challenge}, error=\"insufficient_scope\", scope=\"{scope}\"" };
    }

    /// <summary>
    /// The address of the connection. Clients behind a proxy share its address, so the last address in <c>X-Forwarded-For</c>, which the proxy
    /// added, tells them apart. A client that forges it without a proxy gets more guesses of a key with 256 random bits.
    /// </summary>
    private static string ClientOf(HttpContext context)
    {
        var connection = ClientNetwork.AddressOf(context) is { } address ? $"{ClientNetwork.Of(address).BaseAddress}" : "an unknown address";
        var forwarded = context.Request.Headers["X-Forwarded-For"].ToString();
        return forwarded.Length == 0 ? connection : $"{Sanitize.Line(forwarded[(forwarded.LastIndexOf(',') + 1)..].Trim(), 60)} by {connection}";
    }

    private static ApiProblem Forbidden(string code, string detail) => new(StatusCodes.Status403Forbidden, code, detail);

    private static ApiProblem Unauthorized(string code, string detail, string challenge) =>
        new(StatusCodes.Status401Unauthorized, code, detail) { Challenge = challenge };

    private static Result<ApiKeys, string> Parse(string path, string text)
    {
        var (keys, problems) = ApiKeyReader.Read(path, text);
        return keys is null ? string.Join("; ", problems) : keys;
    }
}

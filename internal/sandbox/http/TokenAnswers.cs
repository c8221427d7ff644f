using System.Globalization;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>How a token endpoint differs from RFC 6749 section 5.</summary>
/// <param name="Nested">
/// The member that contains the token, as at Withings. Every response then has status 200 and a member <c>status</c> with zero or an error.
/// </param>
/// <param name="Parameters">What every token request must contain.</param>
internal sealed record TokenAnswers(
    string? Nested = null, IReadOnlyDictionary<string, string>? Parameters = null, char ScopeSeparator = ' ')
{
    public static TokenAnswers Standard { get; } = new();

    public bool HasParameters(Func<string, string?> field) => Parameters is null || Parameters.All(expected => field(expected.Key) == expected.Value);

    public ProviderResponse Token(string accessToken, string? refreshToken, IReadOnlyList<string> scope, TimeSpan expiresIn)
    {
        var token = new JsonObject
        {
            ["access_token"] = accessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = (long)expiresIn.TotalSeconds,
            ["scope"] = string.Join(ScopeSeparator, scope),
        };
        if (refreshToken is not null)
        {
            token["refresh_token"] = refreshToken;
        }
        return Json(200, Nested is null ? token : new JsonObject { ["status"] = 0, [Nested] = token });
    }

    /// <param name="error">A code of RFC 6749 section 5.2 or RFC 8628 section 3.5.</param>
    public ProviderResponse Error(string error, string description)
    {
        if (Nested is not null)
        {
            // Withings has one code for all errors of a token request, and names the parameter.
            var parameter = error == "invalid_grant" ? $": {description}" : "";
            return Json(200, new JsonObject { ["status"] = 503, ["error"] = $"Invalid Params{parameter}" });
        }
        return Json(error == "invalid_client" ? 401 : 400, new JsonObject { ["error"] = error, ["error_description"] = description });
    }

    /// <summary>The error of the API in the same format.</summary>
    public ProviderResponse ApiError(int status, string error, string description) => Nested is not null
        ? Json(status == 404 ? 404 : 200, new JsonObject { ["status"] = status == 429 ? 601 : status, ["error"] = description })
        : Json(status, new JsonObject { ["error"] = error, ["error_description"] = description });

    /// <summary>RFC 6749 section 5.1: a response with a token must not be cached.</summary>
    private static ProviderResponse Json(int status, JsonObject body) =>
        ProviderResponse.Json(status, body.ToJsonString()).With("Cache-Control", "no-store");
}

/// <summary>The WWW-Authenticate header of RFC 6750 section 3.</summary>
internal static class BearerChallenge
{
    /// <param name="error">Null for a request without credentials, which gets no error code (section 3.1).</param>
    public static ProviderResponse WithChallenge(
        this ProviderResponse response, string realm, string? error = null, string? description = null, string? scope = null) =>
        response.With("WWW-Authenticate", $"Bearer realm=\"{realm}\""
            + (error is null ? "" : $", error=\"{error}\"")
            + (description is null ? "" : $", error_description=\"{description}\"")
            + (scope is null ? "" : $", scope=\"{scope}\""));

    /// <summary>A number of seconds for a header, rounded up.</summary>
    public static string Seconds(this TimeSpan wait) => Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}

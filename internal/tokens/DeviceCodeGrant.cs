namespace Exporter.Tokens;

/// <summary>The response of the device authorization endpoint (RFC 8628, section 3.2).</summary>
/// <param name="Complete">The address that contains the code, if the provider returns one.</param>
public sealed record DeviceAuthorization(
    Uri Verification, Uri? Complete, string UserCode, Secret DeviceCode, Secret? Verifier, TimeSpan Interval, DateTimeOffset Deadline)
{
    /// <summary>The address for a link, with the code if possible.</summary>
    public Uri Link => Complete ?? new Uri(
        $"{Verification.OriginalString}{(Verification.Query.Length > 0 ? '&' : '?')}user_code={Uri.EscapeDataString(UserCode)}");
}

/// <summary>The device authorization grant (RFC 8628), with PKCE if the provider requires it. Immutable.</summary>
/// <param name="device">The device authorization endpoint; the same client as <paramref name="token"/>.</param>
/// <param name="token">The token endpoint.</param>
/// <param name="extra">Further fields of the device authorization request that the provider requires.</param>
/// <param name="denialGrace">How long after a server error to ignore <c>access_denied</c>; by default it is never ignored.</param>
public sealed class DeviceCodeGrant(
    TokenEndpoint device,
    TokenEndpoint token,
    IReadOnlyList<string> scopes,
    TimeProvider time,
    bool pkce = false,
    IReadOnlyList<KeyValuePair<string, string>>? extra = null,
    TimeSpan denialGrace = default)
{
    /// <summary>Section 3.2: "If no value is provided, clients MUST use 5 as the default."</summary>
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(5);

    /// <summary>Section 6.1 recommends short codes. A longer one is not for a user.</summary>
    private const int LongestUserCode = 64;

    private const int LongestAddress = 2048;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Separates the scopes; a space by RFC 6749, section 3.3.</summary>
    public string ScopeSeparator { get; init; } = " ";

    /// <summary>Replaces the failure of a request for a code with one that names the cause, for a provider whose error does not.</summary>
    public Func<Renewal, CancellationToken, Task<Renewal>>? Explain { get; init; }

    /// <summary>Requests a code. Returns a device authorization or the failure.</summary>
    public async Task<Result<DeviceAuthorization, Renewal>> BeginAsync(CancellationToken cancellationToken)
    {
        var verifier = pkce ? Pkce.Random() : null;
        var form = TokenEndpoint.Parameters(
            ("scope", string.Join(ScopeSeparator, scopes)),
            ("code_challenge", verifier is null ? null : Pkce.Challenge(verifier)),
            ("code_challenge_method", verifier is null ? null : "S256"));
        var (response, failure, _, _) = await device.PostAsync([.. extra ?? [], .. form], mayBeEmpty: false, cancellationToken);
        return response is null ? Explain is null ? failure! : await Explain(failure!, cancellationToken)
            : Read(response, verifier) is { } authorization ? authorization
            : new Renewal.Transient(
                FailureKind.MalformedAnswer, "the response of the device authorization endpoint has no code or no address, or one that is too long");
    }

    /// <summary>Polls until the user decides or the code expires. Continues after transient failures (section 3.5).</summary>
    public async Task<Renewal> WaitAsync(DeviceAuthorization authorization, CancellationToken cancellationToken)
    {
        var form = TokenEndpoint.Parameters(
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", authorization.DeviceCode.Reveal()),
            ("code_verifier", authorization.Verifier?.Reveal()));
        var (interval, pause) = (authorization.Interval, authorization.Interval);
        DateTimeOffset? brokenAt = null;
        while (true)
        {
            var left = authorization.Deadline - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                return new Renewal.InvalidGrant("the code expired before it was used; start again");
            }
            await Task.Delay(pause < left ? pause : left, time, cancellationToken);
            if (time.GetUtcNow() >= authorization.Deadline)
            {
                continue;
            }
            var (outcome, error) = await token.RequestWithErrorAsync(form, cancellationToken);
            switch (error?.Error)
            {
                case "authorization_pending":
                    pause = interval;
                    continue;
                case "slow_down":
                    // Section 3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests".
                    pause = interval += DefaultInterval;
                    continue;
                case "access_denied" when time.GetUtcNow() - brokenAt < denialGrace:
                    pause = interval;
                    continue;
                // The second is Microsoft's.
                case "access_denied" or "authorization_declined":
                    return new Renewal.InvalidGrant("the login was rejected on the provider's page");
                case "expired_token" or "code_expired":
                    return new Renewal.InvalidGrant("the code expired before it was used; start again");
                case "invalid_grant":
                    return new Renewal.InvalidGrant(error.Describe("the provider no longer accepts the code; start again"));
            }
            if (outcome is not Renewal.Transient(var kind, _, var retryAfter))
            {
                return outcome;
            }
            brokenAt = kind == FailureKind.ServerError ? time.GetUtcNow() : brokenAt;
            // Section 3.5: on a timeout "the client MUST unilaterally reduce its polling frequency", by exponential back-off for example.
            var doubled = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            pause = retryAfter > doubled ? retryAfter.Value : doubled;
        }
    }

    private DeviceAuthorization? Read(JsonMembers response, Secret? verifier)
    {
        // Some servers misspell verification_uri.
        var address = response.Text("verification_uri") ?? response.Text("verification_url");
        var withCode = response.Text("verification_uri_complete");
        if (response.Text("device_code") is not { } code || response.Text("user_code") is not { Length: <= LongestUserCode } userCode
            || address?.Length > LongestAddress || withCode?.Length > LongestAddress
            || !Uri.TryCreate(address, UriKind.Absolute, out var verification))
        {
            return null;
        }
        var complete = Uri.TryCreate(withCode, UriKind.Absolute, out var uri) ? uri : null;
        var lifetime = TimeSpan.FromSeconds(Math.Clamp(response.Number("expires_in") ?? 300, 1, 86400));
        var interval = response.Number("interval") is > 0 and < 300 and var seconds ? TimeSpan.FromSeconds(seconds) : DefaultInterval;
        return new DeviceAuthorization(verification, complete, userCode, new Secret(code), verifier, interval, time.GetUtcNow() + lifetime);
    }
}

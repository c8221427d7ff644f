namespace Exporter.Tokens;

/// <summary>Why a renewal starts. A closed set.</summary>
internal abstract record RenewalCause
{
    private RenewalCause() { }

    /// <summary>Its time has come.</summary>
    public sealed record Due : RenewalCause;

    /// <summary>A caller wants a new token now. Another renewal since <paramref name="Seen"/> serves as well.</summary>
    public sealed record Requested(TokenState Seen) : RenewalCause;

    /// <summary>The provider's API rejected this access token.</summary>
    public sealed record Rejected(Secret AccessToken) : RenewalCause;
}

namespace Exporter.Tokens;

/// <summary>One of several ways to obtain a token, in the order in which they are tried.</summary>
/// <param name="IsAvailable">Whether this way works without a user.</param>
/// <param name="ExpiresAt">When the credential for this way expires; null when unknown.</param>
/// <param name="Next">The next step as a sentence: when this way is used, or why it cannot be.</param>
public sealed record TokenLevel(string Name, bool IsAvailable, DateTimeOffset? ExpiresAt, string Next);

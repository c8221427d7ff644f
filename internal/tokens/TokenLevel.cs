namespace Exporter.Tokens;

/// <summary>One of several ways to a token.</summary>
/// <param name="IsLeft">Whether it can be gone without a person; the last level is the person.</param>
/// <param name="EndsAt">When the credential that it needs ends; null when nobody said.</param>
/// <param name="Next">What comes of it, in words: when it is gone, or why it cannot be.</param>
public sealed record TokenLevel(string Name, bool IsLeft, DateTimeOffset? EndsAt, string Next);

using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Tokens;

/// <summary>A text that must not be shown: it prints as <c>&lt;secret&gt;</c>. Immutable; compared in constant time.</summary>
[DebuggerDisplay("<secret>")]
public sealed class Secret(string value) : IEquatable<Secret>
{
    private readonly string value = value;

    /// <summary>The text, for code that must send or store it.</summary>
    public string Reveal() => value;

    public static Secret? From(string? value) => string.IsNullOrEmpty(value) ? null : new Secret(value);

    public bool Equals(Secret? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(value), Encoding.UTF8.GetBytes(other.value));

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode() => value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "<secret>";
}

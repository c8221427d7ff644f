namespace Exporter.Accounts;

/// <summary>The persons of the current and of a new login, as the provider identifies them; null if unknown.</summary>
public sealed record Persons(string? Before, string? After)
{
    public bool AreDifferent => Before is not null && After is not null && Before != After;

    /// <summary>By the member <c>gcid</c> of the tokens, or by the subject of their ID tokens.</summary>
    public static Persons Of(Token? before, Token after)
    {
        var members = new Persons(before?.Members.Text("gcid"), after.Members.Text("gcid"));
        return members.AreDifferent ? members : new Persons(SubjectOf(before), SubjectOf(after));
    }

    private static string? SubjectOf(Token? token) => Jwt.Claims(token?.IdToken)?.Text("sub");
}

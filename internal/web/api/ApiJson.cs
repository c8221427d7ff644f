using System.Text.Json.Serialization;

namespace Exporter.Web;

/// <summary>An account in the API. <c>openapi.json</c> describes it.</summary>
internal sealed record AccountBody(
    string Name, string Template, string Source, string Provider, DateTime Created, string State, string Condition, string Summary,
    bool LoginRequired, bool LoginPending, DateTime? AccessTokenEnds, DateTime? RefreshTokenEnds, DateTime? NextRenewal, DateTime? LastRenewal,
    string? LastError, DateTime? LostSince)
{
    public static AccountBody Of(SharedAccount account)
    {
        var status = account.Status;
        return new AccountBody(
            account.Name, account.Template, account.Source, status.Provider, account.Created.UtcDateTime, status.State, status.Condition,
            status.Summary, status.LoginRequired, status.LoginPending, status.AccessTokenEnds, status.RefreshTokenEnds, status.NextRenewal,
            status.LastRenewal, status.LastError, status.LostSince);
    }
}

internal sealed record AccountListBody(IReadOnlyList<AccountBody> Accounts, long Total, bool TotalIsCapped, string? Next);

internal sealed record LoginLinkBody(string Url, DateTime Expires);

internal sealed record TokenBody(string AccessToken, DateTime? Expires);

/// <param name="Result">created or failed.</param>
/// <param name="Code">That of the problem; null if the account was created.</param>
internal sealed record ImportedLine(int Line, string? Name, string Result, string? Code, string? Detail);

internal sealed record ProblemBody(string Title, int Status, string Detail, string Code);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AccountListBody))]
[JsonSerializable(typeof(AccountBody))]
[JsonSerializable(typeof(LoginLinkBody))]
[JsonSerializable(typeof(TokenBody))]
[JsonSerializable(typeof(ImportedLine))]
[JsonSerializable(typeof(ProblemBody))]
internal sealed partial class ApiJson : JsonSerializerContext;

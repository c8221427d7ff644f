namespace Exporter.Accounts;

public enum Severity
{
    Good,

    /// <summary>The exporter tries again by itself, or a login is in progress.</summary>
    Warning,

    /// <summary>A user must do something.</summary>
    Problem,
}

/// <summary>An account's state in a few words, for the page, the command <c>status</c> and <c>/api/status</c>.</summary>
/// <param name="Text">In sentence case, without a full stop.</param>
public sealed record AccountCondition(Severity Severity, string Text)
{
    public static AccountCondition Of(Account account) =>
        Of(account.TokenManager.Snapshot, account.TokenManager.NextRenewal, account.ReadingSource?.Status);

    internal static AccountCondition Of(TokenSnapshot token, DateTimeOffset? nextRenewal, ReadingStatus? reading) => (token, reading) switch
    {
        ({ Login: not null }, _) => new(Severity.Warning, "Waiting for login"),
        ({ IsUnknown: true }, _) => new(Severity.Problem, "Token unreadable"),
        ({ State: TokenState.Missing }, _) when !AccountMetrics.NeedsLogin(token, nextRenewal) => new(Severity.Warning, "Waiting for login"),
        ({ State: TokenState.Missing or TokenState.Lost }, _) => new(Severity.Problem, "Login needed"),
        ({ State: TokenState.InvalidClient }, _) => new(Severity.Problem, "Credentials rejected"),
        ({ Unpersisted: not null }, _) => new(Severity.Problem, "Token not saved"),
        ({ State: TokenState.Active { FailedRenewals: > 0 } }, _) => new(Severity.Warning, "Renewal failed"),
        (_, { Failure: ApiFailure.MissingScope }) => new(Severity.Problem, "Access not granted"),
        (_, { Failure: not null }) => new(Severity.Warning, "Reading failed"),
        _ => new(Severity.Good, "OK"),
    };
}

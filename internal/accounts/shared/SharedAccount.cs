namespace Exporter.Accounts;

/// <summary>A shared account, without secrets. Immutable.</summary>
/// <param name="Template">The entry of <c>accounts:</c> in the configuration that has the account's settings.</param>
/// <param name="Source">The template's source; its former one if the template was removed from the configuration.</param>
/// <param name="Status">The state of its token. <see cref="AccountStatus.Readings"/> is null.</param>
public sealed record SharedAccount(string Name, string Template, string Source, DateTimeOffset Created, AccountStatus Status);

/// <param name="Name">See <see cref="SharedAccountName"/>.</param>
/// <param name="RefreshToken">Null for an account that a user logs in later.</param>
public sealed record NewSharedAccount(string Name, string Template, Secret? RefreshToken);

/// <summary>Why an account was not created. A closed set.</summary>
public abstract record SharedAccountProblem
{
    private SharedAccountProblem() { }

    public sealed record NameTaken : SharedAccountProblem;

    /// <param name="Templates">The names of the templates in the configuration.</param>
    public sealed record UnknownTemplate(IReadOnlyList<string> Templates) : SharedAccountProblem;

    /// <param name="Reason">A sentence with the fix, without a full stop.</param>
    public sealed record InvalidName(string Reason) : SharedAccountProblem;
}

/// <summary>The rule for names of shared accounts. They are part of addresses and labels, and may be the IDs of another system.</summary>
public static class SharedAccountName
{
    public const int MaxLength = 128;

    /// <summary>A sentence with the fix, without a full stop; null for a valid name.</summary>
    public static string? ProblemOf(string name) =>
        name.Length is > 0 and <= MaxLength && char.IsAsciiLetterOrDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@' or ':' or '+')
            ? null
            : $"a name has at most {MaxLength} letters, digits and - _ . @ : + and starts with a letter or digit; choose another name";
}

/// <summary>Which accounts to list.</summary>
public sealed record SharedAccountQuery
{
    public const int MaxLimit = 1000;

    /// <summary>The states of a token that accounts can be listed by, as in <see cref="AccountStatus.State"/>.</summary>
    public static IReadOnlyList<string> States { get; } = ["missing", "active", "refused", "lost"];

    /// <summary>One of <see cref="States"/>; null for all.</summary>
    public string? State { get; init; }

    /// <summary>The templates whose accounts are listed; null for all. An empty list matches none.</summary>
    public IReadOnlyList<string>? Templates { get; init; }

    public string? Source { get; init; }

    /// <summary>A part of the name, in any case.</summary>
    public string? Find { get; init; }

    /// <summary>Only accounts whose names come after this one, which need not exist.</summary>
    public string? After { get; init; }

    /// <summary>From 1 to <see cref="MaxLimit"/>.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>A part of a list.</summary>
/// <param name="Total">How many accounts match on all pages.</param>
/// <param name="IsTotalCapped">Whether there are more than <paramref name="Total"/>, which were not counted.</param>
/// <param name="Next">The <see cref="SharedAccountQuery.After"/> of the next page; null on the last one.</param>
public sealed record SharedAccountPage(IReadOnlyList<SharedAccount> Accounts, long Total, bool IsTotalCapped, string? Next);

/// <summary>The outcome of a request for an access token. A closed set.</summary>
public abstract record SharedToken
{
    private SharedToken() { }

    /// <param name="ExpiresAt">Null if the provider does not report it.</param>
    public sealed record Valid(Secret AccessToken, DateTimeOffset? ExpiresAt) : SharedToken;

    /// <summary>There is none at this moment. A renewal failed temporarily, or its outcome is not known yet.</summary>
    /// <param name="Reason">Without a full stop.</param>
    public sealed record NotNow(string Reason, TimeSpan RetryAfter) : SharedToken;

    /// <param name="Reason">Without a full stop.</param>
    public sealed record LoginRequired(string Reason) : SharedToken;

    public sealed record NoAccount : SharedToken;
}

/// <summary>The numbers of all accounts as a replica read them last. Immutable.</summary>
/// <param name="Counts">Each pair of a source and a state that an account has.</param>
/// <param name="ReadAt">When they were read; null if they never were.</param>
/// <param name="Outage">Null while the database can be reached.</param>
public sealed record SharedOverview(IReadOnlyList<SharedCount> Counts, DateTimeOffset? ReadAt, StoreOutage? Outage)
{
    public long Total => Counts.Sum(count => count.Accounts);
}

/// <param name="State">As in <see cref="AccountStatus.State"/>.</param>
public sealed record SharedCount(string Source, string State, long Accounts);

/// <param name="Reason">Without a full stop and without a secret.</param>
public sealed record StoreOutage(DateTimeOffset Since, string Reason);

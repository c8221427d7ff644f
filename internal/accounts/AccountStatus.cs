using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Exporter.Accounts;

/// <summary>
/// The state of one account, for <c>status</c>, <c>/api/status</c> and a front end. It contains no secret. Immutable. All times are UTC.
/// <c>docs/api.md</c> describes the JSON; change <see cref="StatusDocument.CurrentSchema"/> if a member changes its meaning.
/// </summary>
public sealed record AccountStatus
{
    public required string Account { get; init; }

    public required string Source { get; init; }

    /// <summary>The provider's name for people.</summary>
    public required string Provider { get; init; }

    /// <summary>The state of the token: missing, active, refused, lost or unreadable.</summary>
    public required string State { get; init; }

    /// <summary>How the account works: ok, warning or problem.</summary>
    public required string Condition { get; init; }

    /// <summary>The condition in a few words.</summary>
    public required string Summary { get; init; }

    public bool LoginRequired { get; init; }

    public bool LoginPending { get; init; }

    public DateTime? AccessTokenEnds { get; init; }

    public DateTime? RefreshTokenEnds { get; init; }

    public DateTime? NextRenewal { get; init; }

    /// <summary>When this process last renewed the token.</summary>
    public DateTime? LastRenewal { get; init; }

    /// <summary>Where the token is stored.</summary>
    public required string Store { get; init; }

    /// <summary>Why the token cannot be used, read or renewed, as a sentence.</summary>
    public string? LastError { get; init; }

    public DateTime? LostSince { get; init; }

    /// <summary>Why the token is in memory only.</summary>
    public string? Unpersisted { get; init; }

    /// <summary>The ways to renew, for an account with several.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LevelStatus>? Levels { get; init; }

    /// <summary>Null for an account without readings, and if no exporter responded.</summary>
    public ReadingState? Reading { get; init; }

    /// <summary>The latest reading; null if <see cref="Reading"/> is.</summary>
    public PresentedReading? Readings { get; init; }

    /// <summary>For <c>status</c> only: exporter or file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Origin { get; init; }

    /// <summary>Whether the account does not work until a user logs in or corrects the client.</summary>
    [JsonIgnore]
    public bool NeedsUser => LoginRequired || State == "refused";

    [JsonIgnore]
    public bool IsUnreadable => State == AccountMetrics.Unreadable;

    /// <summary>The account in this process.</summary>
    public static AccountStatus Of(Account account, DateTimeOffset now) =>
        Of(account, account.TokenManager.Snapshot, now) with
        {
            Reading = ReadingState.Of(account.ReadingSource?.Status),
            Readings = account.ReadingSource is { } source ? PresentedReading.Of(source.Present(now)) : null,
        };

    /// <summary>The account as its store and the record beside its token describe it. Nothing was read from the provider.</summary>
    public static AccountStatus OfStore(Account account, TokenRecord? record, DateTimeOffset now) =>
        Of(account, record?.ApplyTo(account.TokenManager.Snapshot, now) ?? account.TokenManager.Snapshot, now, isRead: false);

    private static AccountStatus Of(Account account, TokenSnapshot snapshot, DateTimeOffset now, bool isRead = true)
    {
        var manager = account.TokenManager;
        snapshot = AtExpiry(snapshot, manager.CanRenew, now);
        var nextRenewal = snapshot.State is TokenState.Missing ? manager.NextRenewal : snapshot.State.NextRenewal;
        var reading = isRead ? account.ReadingSource?.Status : null;
        return OfToken(account.Name, account.Source, account.Provider, manager.StoreLocation, snapshot, nextRenewal, reading) with
        {
            Levels = account.Levels(now) is { Count: > 0 } levels ? [.. levels.Select(LevelStatus.Of)] : null,
        };
    }

    /// <summary>An account that is not open.</summary>
    /// <param name="store">Where its token is stored.</param>
    public static AccountStatus OfToken(string account, string source, string provider, string store, TokenSnapshot snapshot,
        DateTimeOffset? nextRenewal, ReadingStatus? reading)
    {
        var token = snapshot.State.Token;
        var condition = AccountCondition.Of(snapshot, nextRenewal, reading);
        return new AccountStatus
        {
            Account = account,
            Source = source,
            Provider = provider,
            State = AccountMetrics.NameOf(snapshot),
            Condition = condition.Severity switch { Severity.Good => "ok", Severity.Warning => "warning", _ => "problem" },
            Summary = condition.Text,
            LoginRequired = AccountMetrics.NeedsLogin(snapshot, nextRenewal),
            LoginPending = snapshot.Login is not null,
            AccessTokenEnds = token?.ExpiresAt?.UtcDateTime,
            RefreshTokenEnds = token?.RefreshExpiresAt?.UtcDateTime,
            NextRenewal = nextRenewal?.UtcDateTime,
            LastRenewal = snapshot.History.LastSuccess?.UtcDateTime,
            Store = store,
            LastError = ErrorOf(snapshot),
            LostSince = (snapshot.State as TokenState.Lost)?.Since.UtcDateTime,
            Unpersisted = snapshot.Unpersisted?.Reason,
        };
    }

    /// <summary>A token that expired and cannot be renewed is lost. A running exporter sees that at the next renewal, a store never.</summary>
    private static TokenSnapshot AtExpiry(TokenSnapshot snapshot, bool canRenew, DateTimeOffset now) =>
        !canRenew && snapshot.State is TokenState.Active { Held: { IsExpiryAssumed: false, ExpiresAt: { } expiry } held } && expiry <= now
            ? snapshot with { State = new TokenState.Lost(held, $"the access token expired at {expiry:u} and cannot be renewed", expiry) }
            : snapshot;

    private static string? ErrorOf(TokenSnapshot snapshot) => snapshot switch
    {
        { State: TokenState.Lost(_, var reason, _) } => reason,
        { State: TokenState.InvalidClient(_, var reason, _) } => reason,
        _ => snapshot.History.LastError ?? snapshot.Unreadable,
    };
}

/// <summary>One of several ways to renew a token.</summary>
public sealed record LevelStatus(string Name, bool Left, DateTime? Ends, string Next)
{
    internal static LevelStatus Of(TokenLevel level) => new(level.Name, level.IsAvailable, level.ExpiresAt?.UtcDateTime, level.Next);
}

/// <summary>The outcome of reading.</summary>
/// <param name="Up">Whether the last try succeeded.</param>
/// <param name="ReadAt">When the latest reading was taken.</param>
/// <param name="Next">When the next try is due.</param>
/// <param name="Error">Why the last try failed; null if it succeeded.</param>
/// <param name="Notice">What the user should know about a reading that succeeded; null if there is nothing.</param>
public sealed record ReadingState(bool Up, DateTime? ReadAt, DateTime? Next, string? Error, string? Notice)
{
    internal static ReadingState? Of(ReadingStatus? status) => status is null ? null : new(
        status.Up, status.ReadAt?.UtcDateTime, status.NextTry?.UtcDateTime, status.Failure?.Reason, status.Failure is null ? status.Notice : null);
}

/// <summary>The state of all accounts at one time.</summary>
/// <param name="Schema">Increases if a member disappears or changes its meaning, not if members are added.</param>
public sealed record StatusDocument(int Schema, string Version, DateTime Time, IReadOnlyList<AccountStatus> Accounts)
{
    public const int CurrentSchema = 1;

    public static StatusDocument Of(IEnumerable<Account> accounts, string version, DateTimeOffset now) =>
        new(CurrentSchema, version, now.UtcDateTime, [.. accounts.Select(account => AccountStatus.Of(account, now))]);
}

/// <summary>The JSON of accounts: snake case, indented, with letters of every language.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(AccountStatus[]))]
[JsonSerializable(typeof(double)), JsonSerializable(typeof(string)), JsonSerializable(typeof(bool)), JsonSerializable(typeof(DateTime))]
public sealed partial class AccountStatusJson : JsonSerializerContext
{
    public static AccountStatusJson Readable => field ??=
        new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) });
}

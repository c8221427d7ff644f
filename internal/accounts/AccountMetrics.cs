using Exporter.Metrics;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>The series that every account has, whatever its source: <c>exporter_*{account,source}</c>. Pure.</summary>
public static class AccountMetrics
{
    private static readonly string[] States = ["missing", "active", "refused", "lost"];

    /// <summary>What changes only when a token manager's or a feed's state changes.</summary>
    public static IReadOnlyList<MetricFamily> State(IReadOnlyList<AccountSnapshot> accounts)
    {
        var all = accounts.Select(a => new Labelled(Labels(a.Account), a.Token, a.Feed, a.Account.TokenManager.NextRenewal)).ToList();
        var fed = all.Where(a => a.Feed is not null).Select(a => new { a.Labels, Feed = a.Feed! }).ToList();
        return
        [
            MetricFamily.Gauge("exporter_up", "Whether the last try to read the account's source was good. Readings are polled on the exporter's own clock, not on a scrape.",
                fed.Select(a => new Sample(a.Labels, a.Feed.Up ? 1 : 0))),
            MetricFamily.Gauge("exporter_last_reading_timestamp_seconds", "When the latest reading was taken.",
                fed.Where(a => a.Feed.ReadAt is not null).Select(a => new Sample(a.Labels, Seconds(a.Feed.ReadAt!.Value)))),
            MetricFamily.Gauge("exporter_next_reading_timestamp_seconds", "When the source is read next.",
                fed.Where(a => a.Feed.NextTry is not null).Select(a => new Sample(a.Labels, Seconds(a.Feed.NextTry!.Value)))),
            MetricFamily.Counter("exporter_readings_total", "Tries to read the account's source, good or not.",
                fed.Select(a => new Sample(a.Labels, a.Feed.Tries))),
            MetricFamily.Counter("exporter_reading_failures_total", "Tries to read the account's source that gave nothing, by reason.",
                fed.SelectMany(a => ApiFailure.Kinds.Select(kind => new Sample(a.Labels.With("reason", kind), a.Feed.Failures.GetValueOrDefault(kind))))),
            MetricFamily.StateSet("exporter_token_state", "The state of the account's token: missing, active, refused (the client or its scope is not accepted) or lost (somebody has to log in again).",
                "state", all.Select(a => new StateSample(a.Labels, NameOf(a.Token.State))), States),
            Times("exporter_token_expiry_timestamp_seconds", "When the access token ends.", a => a.Token.State.Token?.ExpiresAt),
            Times("exporter_refresh_token_expiry_timestamp_seconds", "When the refresh token ends, where the provider says so.", a => a.Token.State.Token?.RefreshExpiresAt),
            Times("exporter_token_next_renewal_timestamp_seconds", "When the token is renewed next.", a => a.Next),
            Times("exporter_token_last_renewal_timestamp_seconds", "When the token was last renewed.", a => a.Token.History.LastSuccess),
            Times("exporter_token_last_attempt_timestamp_seconds", "When a renewal of the token was last tried.", a => a.Token.History.LastAttempt),
            MetricFamily.Gauge("exporter_token_last_attempt_duration_seconds", "How long the last renewal took.",
                all.Where(a => a.Token.History.LastDuration is not null).Select(a => new Sample(a.Labels, a.Token.History.LastDuration!.Value.TotalSeconds))),
            Counts("exporter_token_renewals_total", "Renewals of the token that gave a new one.", a => a.Token.History.Renewals),
            MetricFamily.Counter("exporter_token_renewal_failures_total", "Renewals of the token that gave none, by reason.",
                all.SelectMany(a => Enum.GetValues<FailureKind>().Select(kind => new Sample(a.Labels.With("reason", Snake(kind)), a.Token.History.Failures.GetValueOrDefault(kind))))),
            Counts("exporter_token_adoptions_total", "Tokens taken over because another process or a person had put them into the store.", a => a.Token.History.Adoptions),
            Counts("exporter_token_store_writes_total", "Tries to save the token.", a => a.Token.History.Writes),
            Counts("exporter_token_store_write_failures_total", "Tries to save the token that failed.", a => a.Token.History.FailedWrites),
            MetricFamily.Gauge("exporter_token_unpersisted", "Whether the token in memory could not be saved and would be lost with the process.",
                all.Select(a => new Sample(a.Labels, a.Token.Unpersisted is null ? 0 : 1))),
            MetricFamily.Gauge("exporter_login_required", "Whether somebody has to log in before the account works.",
                all.Select(a => new Sample(a.Labels, NeedsLogin(a.Token.State, a.Next) ? 1 : 0))),
            MetricFamily.Gauge("exporter_login_pending", "Whether somebody is logging in.",
                all.Select(a => new Sample(a.Labels, a.Token.Login is null ? 0 : 1))),
            MetricFamily.Gauge("exporter_cloud_clock_offset_seconds", "The provider's clock minus ours, by the token endpoint's last answer.",
                all.Where(a => a.Token.History.ClockOffset is not null).Select(a => new Sample(a.Labels, a.Token.History.ClockOffset!.Value.TotalSeconds))),
        ];

        MetricFamily Times(string name, string help, Func<Labelled, DateTimeOffset?> value) =>
            MetricFamily.Gauge(name, help, from a in all let at = value(a) where at is not null select new Sample(a.Labels, Seconds(at.Value)));

        MetricFamily Counts(string name, string help, Func<Labelled, long> value) =>
            MetricFamily.Counter(name, help, all.Select(a => new Sample(a.Labels, value(a))));
    }

    /// <summary>What time alone changes: ages, and the slices' own live values, one family per name.</summary>
    public static IReadOnlyList<MetricFamily> Live(IReadOnlyList<AccountSnapshot> accounts, DateTimeOffset now) =>
    [
        MetricFamily.Gauge("exporter_reading_age_seconds", "The age of the latest reading: it is served until it is stale.",
            from a in accounts let age = now - a.Feed?.ReadAt where age is not null select new Sample(Labels(a.Account), age.Value.TotalSeconds)),
        MetricFamily.Counter("exporter_token_shared_renewals_total", "Callers that were given the outcome of a renewal somebody else had started.",
            accounts.Select(a => new Sample(Labels(a.Account), a.Account.TokenManager.SharedRenewals))),
        .. from account in accounts
           from live in account.Account.Live
           group new { live, Labels = account.Account.SharedLabels, Value = live.Read(account) } by live.Name into family
           let samples = family.Where(one => one.Value is not null).Select(one => new Sample(one.Labels, one.Value!.Value))
           let first = family.First().live
           select first.Kind is MetricKind.Counter ? MetricFamily.Counter(first.Name, first.Help, samples) : MetricFamily.Gauge(first.Name, first.Help, samples),
    ];

    /// <summary>Whether nothing but a person can make this account work.</summary>
    public static bool NeedsLogin(Account account) => NeedsLogin(account.TokenManager.Snapshot.State, account.TokenManager.NextRenewal);

    private static bool NeedsLogin(TokenState state, DateTimeOffset? nextRenewal) => state switch
    {
        TokenState.Missing => nextRenewal is null,
        TokenState.Lost => true,
        TokenState.Active or TokenState.InvalidClient => false,
        _ => throw new InvalidOperationException("a token has no other state"),
    };

    public static string NameOf(TokenState state) => state switch
    {
        TokenState.Missing => "missing",
        TokenState.Active => "active",
        TokenState.InvalidClient => "refused",
        TokenState.Lost => "lost",
        _ => throw new InvalidOperationException("a token has no other state"),
    };

    private static LabelSet Labels(Account account) => account.SharedLabels.With("source", account.Source);

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private static string Snake(FailureKind kind) => kind switch
    {
        FailureKind.Network => "network",
        FailureKind.Timeout => "timeout",
        FailureKind.RateLimited => "rate_limited",
        FailureKind.ServerError => "server_error",
        FailureKind.MalformedAnswer => "malformed_answer",
        FailureKind.ClientRefused => "client_refused",
        FailureKind.GrantRejected => "grant_rejected",
        FailureKind.Locked => "locked",
        FailureKind.Store => "store",
        FailureKind.Unexpected => "unexpected",
        _ => throw new InvalidOperationException("a renewal fails in no other way"),
    };

    private sealed record Labelled(LabelSet Labels, TokenSnapshot Token, FeedStatus? Feed, DateTimeOffset? Next);
}

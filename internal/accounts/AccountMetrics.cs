using System.Collections.Frozen;
using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>The series of every account, regardless of its source: <c>exporter_*{account,source}</c>. Pure.</summary>
public static class AccountMetrics
{
    /// <summary>The name of the state of a token that could not be read. No label has this value.</summary>
    internal const string Unreadable = "unreadable";

    private static readonly string[] States = ["missing", "active", "refused", "lost"];

    private static readonly (FailureKind Kind, string Name)[] FailureKinds =
        [.. Enum.GetValues<FailureKind>().Select(kind => (kind, NameOf(kind)))];

    /// <summary>Families of what a process did with a token itself.</summary>
    private static readonly FrozenSet<string> OfProcess = new[]
    {
        "exporter_token_last_attempt_duration_seconds", "exporter_token_renewals_total", "exporter_token_renewal_failures_total",
        "exporter_token_adoptions_total", "exporter_token_store_writes_total", "exporter_token_store_write_failures_total",
        "exporter_token_unpersisted", "exporter_login_pending", "exporter_cloud_clock_offset_seconds", SharedRenewals,
    }.ToFrozenSet(StringComparer.Ordinal);

    private const string SharedRenewals = "exporter_token_shared_renewals_total";

    /// <summary>Series that change only with the state of a token manager or of a reading source.</summary>
    /// <param name="countsRenewals">Whether this process renews the tokens, so that its counts are all there are.</param>
    public static IReadOnlyList<MetricFamily> State(IReadOnlyList<AccountSnapshot> accounts, bool countsRenewals = true)
    {
        var rows = accounts.Select(a => new Row(Labels(a.Account), a.Token, a.ReadingStatus, a.Account.TokenManager.NextRenewal)).ToList();
        IReadOnlyList<MetricFamily> families =
        [
            Gauge("exporter_up",
                "Whether the last attempt to read the account's source succeeded. The exporter polls on its own clock, not on a scrape.",
                row => Number(row.Reading?.Up)),
            Gauge("exporter_last_reading_timestamp_seconds", "When the latest reading was taken.", row => Seconds(row.Reading?.ReadAt)),
            Gauge("exporter_next_reading_timestamp_seconds", "When the next reading is due.", row => Seconds(row.Reading?.NextTry)),
            Counter("exporter_readings_total", "Attempts to read the account's source, successful or not.", row => row.Reading?.Tries),
            MetricFamily.Counter("exporter_reading_failures_total", "Failed attempts to read the account's source, by reason.",
                from row in rows
                where row.Reading is not null
                from kind in ApiFailure.Kinds
                select new Sample(row.Labels.With("reason", kind), row.Reading!.Failures.GetValueOrDefault(kind))),
            MetricFamily.StateSet("exporter_token_state",
                "The state of the account's token: missing, active, refused (the provider rejects the client or its scope) or lost (log in again).",
                "state", rows.Where(row => !row.Token.IsUnknown).Select(row => new StateSample(row.Labels, NameOf(row.Token.State))), States),
            Gauge("exporter_token_expiry_timestamp_seconds", "When the access token expires.", row => Seconds(row.Token.State.Token?.ExpiresAt)),
            Gauge("exporter_refresh_token_expiry_timestamp_seconds", "When the refresh token expires, if the provider reports it.",
                row => Seconds(row.Token.State.Token?.RefreshExpiresAt)),
            Gauge("exporter_token_next_renewal_timestamp_seconds", "When the next renewal of the token is due.", row => Seconds(row.NextRenewal)),
            Gauge("exporter_token_last_renewal_timestamp_seconds", "When the token was last renewed.", row => Seconds(row.Token.History.LastSuccess)),
            Gauge("exporter_token_last_attempt_timestamp_seconds", "Time of the last attempt to renew the token.",
                row => Seconds(row.Token.History.LastAttempt)),
            Gauge("exporter_token_last_attempt_duration_seconds", "Duration of the last attempt to renew the token.",
                row => row.Token.History.LastDuration?.TotalSeconds),
            Counter("exporter_token_renewals_total", "Successful renewals of the token.", row => row.Token.History.Renewals),
            MetricFamily.Counter("exporter_token_renewal_failures_total", "Failed renewals of the token, by reason.",
                from row in rows
                from failure in FailureKinds
                select new Sample(row.Labels.With("reason", failure.Name), row.Token.History.Failures.GetValueOrDefault(failure.Kind))),
            Counter("exporter_token_adoptions_total", "Tokens that another process or a user saved.", row => row.Token.History.Adoptions),
            Counter("exporter_token_store_writes_total", "Attempts to save the token.", row => row.Token.History.Writes),
            Counter("exporter_token_store_write_failures_total", "Failed attempts to save the token.", row => row.Token.History.FailedWrites),
            Gauge("exporter_token_unpersisted", "Whether the token is only in memory because saving failed. A restart loses it.",
                row => Number(row.Token.Unpersisted is not null)),
            Gauge("exporter_login_required", "Whether a user must log in before the account works.",
                row => Number(NeedsLogin(row.Token, row.NextRenewal))),
            Gauge("exporter_login_pending", "Whether a login is in progress.", row => Number(row.Token.Login is not null)),
            Gauge("exporter_cloud_clock_offset_seconds", "The provider's clock minus the local clock, from the last response of the token endpoint.",
                row => row.Token.History.ClockOffset?.TotalSeconds),
        ];
        return countsRenewals ? families : [.. families.Where(family => !OfProcess.Contains(family.Name))];

        MetricFamily Gauge(string name, string help, Func<Row, double?> value) => MetricFamily.Gauge(name, help, Samples(value));

        MetricFamily Counter(string name, string help, Func<Row, double?> value) => MetricFamily.Counter(name, help, Samples(value));

        IEnumerable<Sample> Samples(Func<Row, double?> value) =>
            from row in rows let number = value(row) where number is not null select new Sample(row.Labels, number.Value);
    }

    /// <summary>Series that change with time alone: ages, and the sources' own live values, one family for each name.</summary>
    /// <param name="countsRenewals">Whether this process also renews and reads the accounts.</param>
    public static IReadOnlyList<MetricFamily> Live(IReadOnlyList<AccountSnapshot> accounts, bool countsRenewals, DateTimeOffset now) =>
    [
        MetricFamily.Gauge("exporter_reading_age_seconds", "The age of the latest reading. The exporter serves a reading until it is stale.",
            from account in accounts
            let age = now - account.ReadingStatus?.ReadAt
            where age is not null
            select new Sample(Labels(account.Account), age.Value.TotalSeconds)),
        MetricFamily.Counter(SharedRenewals, "Callers that shared a renewal that another caller had started.",
            (countsRenewals ? accounts : []).Select(a => new Sample(Labels(a.Account), a.Account.TokenManager.SharedRenewals))),
        .. from account in accounts
           from live in account.Account.Live
           where countsRenewals || !live.IsOfProcess
           group new { live, Labels = account.Account.SharedLabels, Value = live.Read(account) } by live.Name into family
           let samples = family.Where(one => one.Value is not null).Select(one => new Sample(one.Labels, one.Value!.Value))
           let first = family.First().live
           select first.Kind is MetricKind.Counter
               ? MetricFamily.Counter(first.Name, first.Help, samples)
               : MetricFamily.Gauge(first.Name, first.Help, samples),
    ];

    /// <summary>Whether the account does not work until a user logs in.</summary>
    public static bool NeedsLogin(Account account) => NeedsLogin(account.TokenManager.Snapshot, account.TokenManager.NextRenewal);

    internal static bool NeedsLogin(TokenSnapshot token, DateTimeOffset? nextRenewal) =>
        token.State is TokenState.Lost || (token.State is TokenState.Missing && !token.IsUnknown && nextRenewal is null);

    public static string NameOf(TokenSnapshot token) => token.IsUnknown ? Unreadable : NameOf(token.State);

    public static string NameOf(TokenState state) => state switch
    {
        TokenState.Missing => "missing",
        TokenState.Active => "active",
        TokenState.InvalidClient => "refused",
        TokenState.Lost => "lost",
        _ => throw new ArgumentOutOfRangeException(nameof(state)),
    };

    private static LabelSet Labels(Account account) => account.SharedLabels.With("source", account.Source);

    /// <summary>The value of the label <c>reason</c>.</summary>
    public static string NameOf(FailureKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{kind}");

    private static double? Number(bool? value) => value is null ? null : value.Value ? 1 : 0;

    private static double? Seconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() / 1000.0;

    private sealed record Row(LabelSet Labels, TokenSnapshot Token, ReadingStatus? Reading, DateTimeOffset? NextRenewal);
}

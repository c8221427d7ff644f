using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary><c>exporter status</c>: every account as its store tells of it, without asking any provider.</summary>
internal sealed class StatusCommand(OneAccount accounts, Terminal terminal, TimeProvider time)
{
    /// <returns>The exit code: 1 when an account needs a login.</returns>
    public async Task<int> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var rows = new List<Row>();
        foreach (var planned in accounts.All)
        {
            await accounts.WithAsync(planned, account =>
            {
                rows.Add(Row.Of(account, time.GetUtcNow()));
                return Task.FromResult(ExitCode.Done);
            }, cancellationToken);
        }
        terminal.Output.Write(json ? Json(rows) : Text(rows));
        return rows.Any(r => r.NeedsLogin) ? ExitCode.Failed : ExitCode.Done;
    }

    private string Text(IReadOnlyList<Row> rows)
    {
        var now = time.GetUtcNow();
        string? When(DateTimeOffset? at) => at is { } moment ? OneAccount.When(moment, now) : null;
        var accounts = TextTable.Of([["account", "source", "state", "access token ends", "refresh token ends", "next renewal", "store", "last error"],
            .. rows.Select(r => new[] { r.Account, r.Source, r.State, When(r.AccessEnds), When(r.RefreshEnds), When(r.NextRenewal), r.Store, r.LastError })]);
        var levels = rows.Where(r => r.Levels.Count > 0).Select(r => TextTable.Of([[$"ways to the token of {r.Account}", "left", "ends", "what happens next"],
            .. r.Levels.Select(l => new[] { l.Name, l.IsAvailable ? "yes" : "no", When(l.ExpiresAt), l.Next })]));
        return string.Join('\n', [accounts, .. levels]);
    }

    private static string Json(IEnumerable<Row> rows) => new JsonArray([.. rows.Select(Json)]) + "\n";

    private static JsonObject Json(Row row)
    {
        var account = new JsonObject
        {
            ["account"] = row.Account,
            ["source"] = row.Source,
            ["state"] = row.State,
            ["login_required"] = row.NeedsLogin,
            ["access_token_ends"] = row.AccessEnds?.UtcDateTime,
            ["refresh_token_ends"] = row.RefreshEnds?.UtcDateTime,
            ["next_renewal"] = row.NextRenewal?.UtcDateTime,
            ["store"] = row.Store,
            ["last_error"] = row.LastError,
        };
        if (row.Levels.Count > 0)
        {
            account["levels"] = new JsonArray([.. row.Levels.Select(level =>
                new JsonObject { ["name"] = level.Name, ["left"] = level.IsAvailable, ["ends"] = level.ExpiresAt?.UtcDateTime, ["next"] = level.Next })]);
        }
        return account;
    }

    private sealed record Row(
        string Account, string Source, string State, bool NeedsLogin, DateTimeOffset? AccessEnds, DateTimeOffset? RefreshEnds, DateTimeOffset? NextRenewal, string Store, string? LastError,
        IReadOnlyList<TokenLevel> Levels)
    {
        public static Row Of(Account account, DateTimeOffset now)
        {
            var (snapshot, token) = (account.TokenManager.Snapshot, account.TokenManager.Snapshot.State.Token);
            return new Row(
                account.Name, account.Source, AccountMetrics.NameOf(snapshot.State), AccountMetrics.NeedsLogin(account),
                token?.ExpiresAt, token?.RefreshExpiresAt, account.TokenManager.NextRenewal, account.TokenManager.StoreLocation, snapshot.History.LastError, account.Levels(now));
        }
    }
}

using System.Text;
using System.Text.Json;
using Exporter.Accounts;

namespace Exporter;

/// <summary><c>exporter status</c>: every account as its store tells of it, without asking any cloud.</summary>
internal sealed class StatusCommand(OneAccount accounts, Terminal terminal, TimeProvider time)
{
    /// <returns>The exit code: 1 when an account needs a login.</returns>
    public async Task<int> RunAsync(bool json, CancellationToken cancellation)
    {
        var rows = new List<Row>();
        foreach (var planned in accounts.All)
        {
            await accounts.WithAsync(planned, account =>
            {
                rows.Add(Row.Of(account, time.GetUtcNow()));
                return Task.FromResult(ExitCode.Done);
            }, cancellation);
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
            .. r.Levels.Select(l => new[] { l.Name, l.IsLeft ? "yes" : "no", When(l.EndsAt), l.Next })]));
        return string.Join('\n', [accounts, .. levels]);
    }

    private static string Json(IReadOnlyList<Row> rows)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartArray();
            foreach (var row in rows)
            {
                writer.WriteStartObject();
                writer.WriteString("account", row.Account);
                writer.WriteString("source", row.Source);
                writer.WriteString("state", row.State);
                writer.WriteBoolean("login_required", row.NeedsLogin);
                Time("access_token_ends", row.AccessEnds);
                Time("refresh_token_ends", row.RefreshEnds);
                Time("next_renewal", row.NextRenewal);
                writer.WriteString("store", row.Store);
                writer.WriteString("last_error", row.LastError);
                Levels(row.Levels);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();

            void Levels(IReadOnlyList<TokenLevel> levels)
            {
                if (levels.Count == 0)
                {
                    return;
                }
                writer.WriteStartArray("levels");
                foreach (var level in levels)
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", level.Name);
                    writer.WriteBoolean("left", level.IsLeft);
                    Time("ends", level.EndsAt);
                    writer.WriteString("next", level.Next);
                    writer.WriteEndObject();
                }
                writer.WriteEndArray();
            }

            void Time(string name, DateTimeOffset? at)
            {
                if (at is { } moment)
                {
                    writer.WriteString(name, moment.UtcDateTime);
                }
                else
                {
                    writer.WriteNull(name);
                }
            }
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private sealed record Row(
        string Account, string Source, string State, bool NeedsLogin, DateTimeOffset? AccessEnds, DateTimeOffset? RefreshEnds, DateTimeOffset? NextRenewal, string Store, string? LastError,
        IReadOnlyList<TokenLevel> Levels)
    {
        public static Row Of(Account account, DateTimeOffset now)
        {
            var (snapshot, token) = (account.Keeper.Snapshot, account.Keeper.Snapshot.State.Token);
            return new Row(
                account.Name, account.Source, AccountMetrics.NameOf(snapshot.State), AccountMetrics.NeedsLogin(account),
                token?.ExpiresAt, token?.RefreshExpiresAt, account.Keeper.NextRenewal, account.Keeper.StoreLocation, snapshot.History.LastError, account.Levels(now));
        }
    }
}

using System.Text;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;
using Spectre.Console;

namespace Exporter;

/// <summary><c>exporter status</c>: every account as its store tells of it, without asking any cloud.</summary>
internal sealed class StatusCommand(OneAccount accounts, Terminal terminal, TimeProvider time)
{
    /// <summary>Where the output is no terminal, nothing is broken into lines for one.</summary>
    private const int WidthOfFiles = 250;

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
        var table = new Table().Border(TableBorder.Simple).AddColumns("account", "source", "state", "access token ends", "refresh token ends", "next renewal", "store", "last error");
        string When(DateTimeOffset? at) => at is { } moment ? OneAccount.When(moment, now) : "–";
        foreach (var row in rows)
        {
            string[] cells = [row.Account, row.Source, row.State, When(row.AccessEnds), When(row.RefreshEnds), When(row.NextRenewal), row.Store, row.LastError ?? "–"];
            table.AddRow(cells.Select(Markup.Escape).ToArray());
        }
        var text = Lines(table);
        foreach (var row in rows.Where(r => r.Levels.Count > 0))
        {
            var levels = new Table().Border(TableBorder.Simple).AddColumns($"ways to the token of {Markup.Escape(row.Account)}", "left", "ends", "what happens next");
            foreach (var level in row.Levels)
            {
                levels.AddRow(new[] { level.Name, level.IsLeft ? "yes" : "no", When(level.EndsAt), level.Next }.Select(Markup.Escape).ToArray());
            }
            text += Lines(levels);
        }
        return text;
    }

    private static string Lines(Table table)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = Console.IsOutputRedirected ? WidthOfFiles : Math.Max(80, Console.WindowWidth);
        console.Write(table);
        return string.Join('\n', text.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)) + "\n";
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

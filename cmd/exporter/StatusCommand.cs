using System.Text.Json.Nodes;

namespace Exporter;

/// <summary><c>status</c>: shows the stored state of every account, without a request to a provider.</summary>
internal static class StatusCommand
{
    public static void AddTo(CommandLine program)
    {
        var json = CommandLine.Switch("--json", "Print JSON.");
        program.Add(
            new Command("status", "Shows the state, expiry times, next renewal, store and last error of every account. "
                + "Exits with 1 if an account needs a login.") { json },
            new(CommandGroup.Accounts,
                ["oauth-exporter status", "oauth-exporter status --json | jq '.[] | select(.login_required)'"], program.EssentialSettings),
            (context, result, cancellationToken) => RunAsync(context, result.GetValue(json), cancellationToken),
            StoreAccess.ReadOnlyCommand);
    }

    private static async Task<int> RunAsync(CommandContext context, bool json, CancellationToken cancellationToken)
    {
        List<string?[]> rows =
            [["account", "source", "state", "access token expires", "refresh token expires", "next renewal", "store", "last error"]];
        var levels = "";
        var accounts = new JsonArray();
        var exitCode = ExitCode.Done;
        foreach (var planned in context.Options.Accounts)
        {
            await context.RunAsync(planned, account =>
            {
                rows.Add(Row(context, account));
                levels += LevelTable(context, account);
                accounts.Add((JsonNode)Json(account, context.Time.GetUtcNow()));
                exitCode = AccountMetrics.NeedsLogin(account) ? ExitCode.Failed
                    : exitCode == ExitCode.Done && account.TokenManager.Snapshot.IsUnknown ? ExitCode.TryLater
                    : exitCode;
                return Task.FromResult(ExitCode.Done);
            }, cancellationToken);
        }
        context.Terminal.Output.Write(json ? accounts + "\n" : TextTable.Of(rows) + levels);
        return exitCode;
    }

    private static string?[] Row(CommandContext context, Account account)
    {
        var (manager, token, history) = (account.TokenManager, account.TokenManager.Snapshot.State.Token, account.TokenManager.Snapshot.History);
        return
        [
            account.Name, account.Source, AccountMetrics.NameOf(manager.Snapshot),
            context.FormatTime(token?.ExpiresAt), context.FormatTime(token?.RefreshExpiresAt), context.FormatTime(manager.NextRenewal),
            manager.StoreLocation, history.LastError,
        ];
    }

    private static string LevelTable(CommandContext context, Account account)
    {
        var levels = account.Levels(context.Time.GetUtcNow());
        return levels.Count == 0 ? "" : "\n" + TextTable.Of(
        [
            [$"ways to renew {account.Name}", "available", "expires", "next step"],
            .. levels.Select(l => new[] { l.Name, l.IsAvailable ? "yes" : "no", context.FormatTime(l.ExpiresAt), l.Next }),
        ]);
    }

    private static JsonObject Json(Account account, DateTimeOffset now)
    {
        var (manager, token, history) = (account.TokenManager, account.TokenManager.Snapshot.State.Token, account.TokenManager.Snapshot.History);
        var json = new JsonObject
        {
            ["account"] = account.Name,
            ["source"] = account.Source,
            ["state"] = AccountMetrics.NameOf(manager.Snapshot),
            ["login_required"] = AccountMetrics.NeedsLogin(account),
            ["access_token_ends"] = token?.ExpiresAt?.UtcDateTime,
            ["refresh_token_ends"] = token?.RefreshExpiresAt?.UtcDateTime,
            ["next_renewal"] = manager.NextRenewal?.UtcDateTime,
            ["store"] = manager.StoreLocation,
            ["last_error"] = history.LastError,
        };
        if (account.Levels(now) is { Count: > 0 } levels)
        {
            json["levels"] = new JsonArray([.. levels.Select(level =>
                new JsonObject
                {
                    ["name"] = level.Name,
                    ["left"] = level.IsAvailable,
                    ["ends"] = level.ExpiresAt?.UtcDateTime,
                    ["next"] = level.Next,
                })]);
        }
        return json;
    }
}

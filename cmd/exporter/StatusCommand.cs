using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter;

/// <summary>
/// <c>status</c>: shows the state of every account, without a request to a provider. It comes from the running exporter. Otherwise, it comes
/// from the token file and from the record that the last failed renewal left beside it.
/// </summary>
internal static class StatusCommand
{
    public static void AddTo(CommandLine program)
    {
        var json = CommandLine.Switch("--json", "Print JSON, with the same members as /api/status.");
        program.Add(
            new Command("status", "Shows the state of every account: from the running exporter, or from the token files if none responds. "
                + "Exits with 1 if an account needs a login or its credentials are rejected, and with 2 if a token cannot be read.") { json },
            new(CommandGroup.Accounts,
                ["oauth-exporter status", "oauth-exporter status --json | jq '.[] | select(.login_required)'"], program.EssentialSettings),
            (context, result, cancellationToken) => RunAsync(context, result.GetValue(json), cancellationToken),
            StoreAccess.ReadOnlyCommand);
    }

    private static async Task<int> RunAsync(CommandContext context, bool json, CancellationToken cancellationToken)
    {
        var running = await RunningStatus.RequestAsync(context.Options.Web, context.Time, cancellationToken);
        var found = new List<Found>();
        foreach (var planned in context.Options.Accounts)
        {
            found.Add(await FindAsync(context, planned, running, cancellationToken));
        }
        context.Terminal.Output.Write(json
            ? JsonSerializer.Serialize([.. found.Select(one => one.Status)], AccountStatusJson.Readable.AccountStatusArray) + "\n"
            : Text(context, found));
        return found.Exists(one => one.Status.NeedsUser) ? ExitCode.Failed
            : found.Exists(one => one.Status.IsUnreadable) ? ExitCode.TryLater
            : ExitCode.Done;
    }

    private static async Task<Found> FindAsync(
        CommandContext context, ConfiguredAccount planned, RunningStatus running, CancellationToken cancellationToken)
    {
        await using var services = Composition.Services(context.Time, NullLoggerFactory.Instance, planned);
        using var account = services.GetRequiredService<AccountList>().Current[0];
        await account.LoadAsync(false, cancellationToken);
        var record = await account.TokenManager.ReadRecordAsync(cancellationToken);
        var stored = AccountStatus.OfStore(account, record, context.Time.GetUtcNow()) with { Origin = "file" };
        var files = record is null ? "the token file" : "the token file and the record beside it";
        if (running.Address is not { } address)
        {
            return new Found(stored, $"From {files}; {running.Problem}.");
        }
        var exporter = $"the exporter at {address.GetLeftPart(UriPartial.Authority)}";
        if (running.Find(stored) is not { } current)
        {
            return new Found(stored, $"From {files}; {exporter} does not have this account with this token file.");
        }
        // Another process tried to renew the same token, and the exporter has not tried yet.
        return record is not null && stored.NeedsUser && current is { NeedsUser: false, LoginPending: false, Unpersisted: null, IsUnreadable: false }
            ? new Found(stored, $"From {files}; {exporter} has not tried to renew this token yet.")
            : new Found(current with { Origin = "exporter" }, $"From the running exporter at {address.GetLeftPart(UriPartial.Authority)}.");
    }

    private static string Text(CommandContext context, IReadOnlyList<Found> found)
    {
        var table = TextTable.Of(
        [
            ["account", "source", "state", "summary", "token expires", "next renewal"],
            .. found.Select(one => one.Status).Select(status => new[]
            {
                status.Account, status.Source, status.State, status.Summary,
                context.FormatRelative(status.AccessTokenEnds), context.FormatRelative(status.NextRenewal),
            }),
        ]);
        var levels = string.Concat(found.Select(one => LevelTable(context, one.Status)));
        var lines = found.SelectMany(one => Details(context, one.Status)).Concat(Origins(found)).Select(line => Sanitize.Line(line, 2000) + "\n");
        return $"{table}{levels}\n{string.Concat(lines)}";
    }

    private static string LevelTable(CommandContext context, AccountStatus status) => (status.Levels ?? []) is not { Count: > 0 } levels
        ? ""
        : "\n" + TextTable.Of(
        [
            [$"ways to renew {status.Account}", "available", "expires", "next step"],
            .. levels.Select(level => new[] { level.Name, level.Left ? "yes" : "no", context.FormatTime(level.Ends), level.Next }),
        ]);

    private static IEnumerable<string> Details(CommandContext context, AccountStatus status)
    {
        var expiry = status.RefreshTokenEnds is { } ends ? $"; the refresh token expires {context.FormatTime(ends)}" : "";
        yield return $"{status.Account}: token in {status.Store}{expiry}";
        // Without a token there is no reading, so its error adds nothing.
        var reading = status.NeedsUser ? null : status.Reading?.Error;
        foreach (var problem in new[] { status.Unpersisted, status.LastError, reading }.OfType<string>().Distinct())
        {
            yield return $"{status.Account}: {problem}";
        }
    }

    /// <summary>One line if all accounts have the same origin, otherwise one for each.</summary>
    private static IEnumerable<string> Origins(IReadOnlyList<Found> found) => found.Select(one => one.Origin).Distinct().Count() == 1
        ? [found[0].Origin]
        : found.Select(one => $"{one.Status.Account}: {char.ToLowerInvariant(one.Origin[0])}{one.Origin[1..]}");

    /// <param name="Origin">Where the status comes from, as a sentence.</param>
    private sealed record Found(AccountStatus Status, string Origin);
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter;

/// <summary>What a command works with: a valid configuration, the terminal and the clock.</summary>
internal sealed record CommandContext(ProgramOptions Options, Terminal Terminal, TimeProvider Time)
{
    /// <summary>The account of that name, or the only account if <paramref name="name"/> is null. Null after printing why there is none.</summary>
    public ConfiguredAccount? FindAccount(string? name)
    {
        if (Options.Accounts.Where(a => name is null || a.Name == name).ToList() is [var only])
        {
            return only;
        }
        var names = Options.Accounts.Select(a => a.Name).ToList();
        var choice = $"choose one of: {string.Join(", ", names)}.";
        Terminal.Error.WriteLine(name is null
            ? $"There are several accounts; {choice}"
            : $"There is no account {Sanitize.Line(name)}{Nearest.Remedy(name, names, choice)}");
        return null;
    }

    /// <summary>Finds the account, opens it and runs the action.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string? name, Func<Account, Task<int>> action, CancellationToken cancellationToken) =>
        FindAccount(name) is { } planned ? await RunAsync(planned, action, cancellationToken) : ExitCode.Failed;

    /// <summary>
    /// Opens the account, loads its token, runs the action and closes the account. A running exporter may have the same account open:
    /// the lock of the token store coordinates the two.
    /// </summary>
    /// <returns>The exit code of the action, or <see cref="ExitCode.Failed"/> if a token could not be saved.</returns>
    public async Task<int> RunAsync(ConfiguredAccount planned, Func<Account, Task<int>> action, CancellationToken cancellationToken)
    {
        // Commands print errors themselves, so the token manager must not log them.
        await using var services = Composition.Services(Time, NullLoggerFactory.Instance, planned);
        using var account = services.GetRequiredService<AccountList>().Current[0];
        int exitCode;
        try
        {
            await account.LoadAsync(false, cancellationToken);
            foreach (var error in account.TokenManagers.Select(manager => manager.Snapshot.History.LastError).OfType<string>())
            {
                Terminal.Error.WriteLine($"{account.Name}: {error}.");
            }
            exitCode = await action(account);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Terminal.Error.WriteLine($"{account.Name}: interrupted before it finished.");
            exitCode = ExitCode.TryLater;
        }
        // Not cancelable: it waits for a renewal in flight and saves its token.
        if (await account.CloseAsync(CancellationToken.None) is not { } reason)
        {
            return exitCode;
        }
        return Terminal.Fail(
            $"{account.Name}: the new token could not be saved in {account.TokenManager.StoreLocation} and is lost: {reason}. "
            + "Fix the cause, then log in again.");
    }

    /// <summary>Prints why the account has no valid token, and what to do.</summary>
    /// <returns>The exit code.</returns>
    public int ReportFailure(Account account)
    {
        var login = $"run: {CommandLine.ProgramName} login{(account.HasAccountLabel ? $" {account.Name}" : "")}";
        var (exitCode, message) = account.TokenManager.Snapshot switch
        {
            { State: TokenState.Missing, History.LastError: { } error } when account.TokenManager.NextRenewal is not null =>
                (ExitCode.TryLater, $"{error}; try again later"),
            { IsUnknown: true, Unreadable: var reason } => (ExitCode.TryLater, $"the token cannot be read: {reason}; try again later"),
            { State: TokenState.Missing } => (ExitCode.Failed, $"not logged in; {login}"),
            { State: TokenState.Lost(_, var reason, _) } => (ExitCode.Failed, $"the login is lost: {reason}; {login}"),
            { State: TokenState.InvalidClient(_, var reason, _) } => (ExitCode.Failed, $"{reason}; fix the configuration"),
            { State: TokenState.Active { FailedRenewals: 0, Held.RefreshToken: null } }
                when !account.TokenManager.CanRenew && account.Upstream.Count == 0 =>
                (ExitCode.Failed, $"the token cannot be renewed without a refresh token; {login}"),
            { History.LastError: { } error } => (ExitCode.TryLater, $"{error}; try again later"),
            _ => (ExitCode.TryLater, "the token is not being renewed; try again later"),
        };
        return Terminal.Fail($"{account.Name}: {message}", exitCode);
    }

    /// <summary>"valid until 2026-11-21 13:00:00Z (in 59 minutes)".</summary>
    public string DescribeValidity(Token? token) =>
        token?.ExpiresAt is { } expiry ? $"valid until {FormatTime(expiry)}" : "valid until the provider rejects it";

    /// <summary>"2026-11-21 13:00:00Z (in 59 minutes)".</summary>
    [return: NotNullIfNotNull(nameof(at))]
    public string? FormatTime(DateTimeOffset? at) =>
        at is { } moment ? string.Create(CultureInfo.InvariantCulture, $"{moment.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z ({FormatRelative(at)})") : null;

    /// <summary>"in 59 minutes".</summary>
    [return: NotNullIfNotNull(nameof(at))]
    public string? FormatRelative(DateTimeOffset? at)
    {
        if (at is not { } moment)
        {
            return null;
        }
        var remaining = moment - Time.GetUtcNow();
        var duration = remaining.Duration() switch
        {
            { TotalMinutes: < 2 } and var d => $"{d.TotalSeconds:0} seconds",
            { TotalHours: < 2 } and var d => $"{d.TotalMinutes:0} minutes",
            { TotalDays: < 2 } and var d => $"{d.TotalHours:0} hours",
            var d => $"{d.TotalDays:0} days",
        };
        return remaining < TimeSpan.Zero ? $"{duration} ago" : $"in {duration}";
    }
}

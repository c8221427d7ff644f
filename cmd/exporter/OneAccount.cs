using System.Globalization;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter;

/// <summary>
/// What the commands about an account share: finding the one that is meant, opening it beside a daemon that may have it open
/// too (the store's lock and reading again make them one owner), and leaving nothing unsaved.
/// </summary>
internal sealed class OneAccount(Startup startup, Terminal terminal, TimeProvider time)
{
    public IReadOnlyList<ConfiguredAccount> All => startup.Accounts;

    /// <summary>The account of that name, or the only one; null when that has been told to be none.</summary>
    public ConfiguredAccount? Choose(string? name)
    {
        var names = string.Join(", ", All.Select(a => a.Name));
        if (name is null)
        {
            if (All is [var only])
            {
                return only;
            }
            terminal.Error.WriteLine($"There are several accounts; name one of them: {names}.");
            return null;
        }
        if (All.FirstOrDefault(a => a.Name == name) is { } found)
        {
            return found;
        }
        terminal.Error.WriteLine($"There is no account {Sanitize.Line(name)}; {(Nearest.To(name, All.Select(a => a.Name)) is { } near ? $"did you mean {near}?" : $"there are: {names}.")}");
        return null;
    }

    /// <summary>Opens the account of that name and loads its token; the exit code is that of <paramref name="work"/>, unless a token is left unsaved.</summary>
    public async Task<int> WithAsync(string? name, Func<Account, Task<int>> work, CancellationToken cancellationToken) =>
        Choose(name) is { } planned ? await WithAsync(planned, work, cancellationToken) : ExitCode.Failed;

    public async Task<int> WithAsync(ConfiguredAccount planned, Func<Account, Task<int>> work, CancellationToken cancellationToken)
    {
        // A command says itself what a token manager would log.
        await using var services = Composition.Services(time, NullLoggerFactory.Instance, planned);
        using var account = services.GetRequiredService<IReadOnlyList<Account>>()[0];
        int code;
        try
        {
            await account.LoadAsync(isProgramStart: false, cancellationToken);
            foreach (var trouble in account.TokenManagers.Select(k => k.Snapshot.History.LastError).OfType<string>())
            {
                terminal.Error.WriteLine($"{account.Name}: {trouble}.");
            }
            code = await work(account);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine($"{account.Name}: told to end before it was done.");
            code = ExitCode.TryLater;
        }
        // Whatever ended it: a renewal that was sent comes home, and what is unsaved is saved.
        if (await account.CloseAsync(CancellationToken.None) is not { } unsaved)
        {
            return code;
        }
        terminal.Error.WriteLine($"{account.Name}: the new token could not be saved in {account.TokenManager.StoreLocation} and is lost: {unsaved}. Mend that, then log in again.");
        return ExitCode.Failed;
    }

    /// <summary>Says why there is no token to work with and what to do; the exit code.</summary>
    public int Explain(Account account)
    {
        var (code, sentence) = account.TokenManager.Snapshot switch
        {
            { State: TokenState.Missing, History.LastError: { } error } when account.TokenManager.NextRenewal is not null => (ExitCode.TryLater, $"{error}; try again later"),
            { State: TokenState.Missing } => (ExitCode.Failed, $"nobody is logged in; run: {Login(account)}"),
            { State: TokenState.Lost(_, var reason, _) } => (ExitCode.Failed, $"the login is lost: {reason}; run: {Login(account)}"),
            { State: TokenState.InvalidClient(_, var reason, _) } => (ExitCode.Failed, $"{reason}; mend the configuration"),
            { State: TokenState.Active { FailedRenewals: 0, Held.RefreshToken: null } } when account.Upstream.Count == 0 => (ExitCode.Failed, $"the token cannot be renewed without a refresh token; run: {Login(account)}"),
            { History.LastError: { } error } => (ExitCode.TryLater, $"{error}; try again later"),
            _ => (ExitCode.TryLater, "the token is not renewed at the moment; try again later"),
        };
        terminal.Error.WriteLine($"{account.Name}: {sentence}");
        return code;
    }

    /// <summary>"good until 2026-11-21 13:00:00Z (59 minutes)".</summary>
    public string Good(Token? token) => token?.ExpiresAt is { } end ? $"good until {When(end, time.GetUtcNow())}" : "good until the provider says otherwise";

    public static string When(DateTimeOffset at, DateTimeOffset now)
    {
        var (distance, past) = ((at - now).Duration(), at < now);
        var words = distance switch
        {
            { TotalMinutes: < 2 } => $"{distance.TotalSeconds:0} seconds",
            { TotalHours: < 2 } => $"{distance.TotalMinutes:0} minutes",
            { TotalDays: < 2 } => $"{distance.TotalHours:0} hours",
            _ => $"{distance.TotalDays:0} days",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z ({(past ? $"{words} ago" : $"in {words}")})");
    }

    private static string Login(Account account) => account.HasAccountLabel ? $"exporter login {account.Name}" : "exporter login";
}

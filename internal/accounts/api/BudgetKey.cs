using System.Globalization;

namespace Exporter.Accounts;

/// <summary>Limits the requests that a provider counts together. Each request is recorded before it is sent. Thread-safe.</summary>
public interface IRequestBudget
{
    /// <summary>Requests of the longest window, as last read. Never waits.</summary>
    int Used { get; }

    /// <summary>Why no request is sent now; null if the next one is allowed.</summary>
    ValueTask<ApiFailure?> FailureAsync(CancellationToken cancellationToken);

    /// <summary>Counts a request before it is sent. Returns how long to wait if it must not be sent.</summary>
    ValueTask<TimeSpan?> ReserveAsync(CancellationToken cancellationToken);
}

/// <summary>Budgets that several processes share. Without this service, each account counts in a file of its own.</summary>
public interface IRequestBudgets
{
    /// <param name="windows">At least one; all of them hold.</param>
    IRequestBudget Open(BudgetKey key, IReadOnlyList<BudgetWindow> windows);
}

/// <summary>The requests that a provider counts together. Budgets with equal keys count together.</summary>
/// <param name="Provider">Its name, for the log.</param>
/// <param name="Owner">What the provider counts: an account, a client, or credentials in the configuration. No secret.</param>
public sealed record BudgetKey(string Source, string Provider, string Owner);

/// <param name="Most">The largest number of requests in any <paramref name="Window"/>.</param>
public sealed record BudgetWindow(int Most, TimeSpan Window)
{
    /// <summary>Why no request is sent if this window has no request left.</summary>
    public ApiFailure UsedUp(string provider, TimeSpan wait) =>
        new ApiFailure.RateLimited($"No request was sent to {provider}: the budget of {Describe()} is used up.") { RetryAfter = wait };

    private string Describe() => Window switch
    {
        { Ticks: TimeSpan.TicksPerHour } => $"{Most} requests in 1 hour",
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerHour == 0 => string.Create(
            CultureInfo.InvariantCulture, $"{Most} requests in {Window.TotalHours} hours"),
        _ => $"{Most} requests in {GoDuration.Text(Window)}",
    };
}

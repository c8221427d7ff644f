using Exporter.Accounts;

namespace Exporter.Tests.Support;

/// <summary>Shared budgets without a database. They record their keys, and allow as many requests as a test sets.</summary>
internal sealed class CountedBudgets : IRequestBudgets
{
    private readonly List<(BudgetKey Key, IReadOnlyList<BudgetWindow> Windows)> opened = [];

    public IReadOnlyList<(BudgetKey Key, IReadOnlyList<BudgetWindow> Windows)> Opened => opened;

    /// <summary>How many more requests are allowed.</summary>
    public int Left { get; set; }

    /// <summary>What a source reads before a request.</summary>
    public ApiFailure? Failure { get; set; }

    public IRequestBudget Open(BudgetKey key, IReadOnlyList<BudgetWindow> windows)
    {
        opened.Add((key, windows));
        return new Counted(this);
    }

    private sealed class Counted(CountedBudgets budgets) : IRequestBudget
    {
        public int Used { get; private set; }

        public ValueTask<ApiFailure?> FailureAsync(CancellationToken cancellationToken) => new(budgets.Failure);

        public ValueTask<TimeSpan?> ReserveAsync(CancellationToken cancellationToken)
        {
            if (budgets.Left == 0)
            {
                return new(TimeSpan.FromSeconds(90.5));
            }
            budgets.Left--;
            Used++;
            return default;
        }
    }
}

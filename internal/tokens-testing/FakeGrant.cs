using System.Collections.Concurrent;

namespace Exporter.Tokens.Testing;

/// <summary>
/// A grant without a provider. It gives each outcome it was told to give, in order, and after the last one a new token for
/// every request: <c>access-1</c> and <c>refresh-1</c>, <c>access-2</c> and <c>refresh-2</c>, and so on. It counts, and notices
/// requests that overlap. Safe for concurrent use.
/// </summary>
public sealed class FakeGrant(TimeProvider time) : IGrant
{
    private readonly ConcurrentQueue<Func<Token?, Renewal>> script = new();
    private readonly ConcurrentQueue<Token?> asked = new();
    private TaskCompletionSource? gate;
    private TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int issued;
    private int inFlight;
    private int mostInFlight;

    /// <summary>What the tokens it makes are good for; null for a provider that does not say.</summary>
    public TimeSpan? Lifetime { get; set; } = TimeSpan.FromHours(3);

    /// <summary>How long a request lasts, on the clock it was given.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Whether it needs no token to begin with, as a password needs none.</summary>
    public bool NeedsNoToken { get; set; }

    /// <summary>The tokens that requests were made with, in order.</summary>
    public IReadOnlyList<Token?> Asked => [.. asked];

    public int Requests => asked.Count;

    /// <summary>How many requests there ever were at the same time.</summary>
    public int MostInFlight => Volatile.Read(ref mostInFlight);

    /// <summary>Completes when the next request has come in.</summary>
    public Task Arrived => arrived.Task;

    public bool CanRenew(Token? current) => NeedsNoToken || current?.RefreshToken is not null;

    /// <summary>The next outcomes, one for each request.</summary>
    public FakeGrant Then(params IEnumerable<Renewal> outcomes)
    {
        foreach (var outcome in outcomes)
        {
            script.Enqueue(_ => outcome);
        }
        return this;
    }

    /// <summary>The next outcome, made when the request comes; what it throws, the grant throws.</summary>
    public FakeGrant Then(Func<Token?, Renewal> outcome)
    {
        script.Enqueue(outcome);
        return this;
    }

    /// <summary>Requests come in from now on, but no answer goes out before <see cref="Release"/>.</summary>
    public void Hold() => gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var held = gate;
        gate = null;
        held?.SetResult();
    }

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        var now = Interlocked.Increment(ref inFlight);
        InterlockedMax(ref mostInFlight, now);
        asked.Enqueue(current);
        Interlocked.Exchange(ref arrived, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        try
        {
            if (gate is { } held)
            {
                await held.Task.WaitAsync(cancellationToken);
            }
            if (Latency > TimeSpan.Zero)
            {
                await Task.Delay(Latency, time, cancellationToken);
            }
            return script.TryDequeue(out var scripted) ? scripted(current) : new Renewal.Renewed(Issue(current));
        }
        finally
        {
            Interlocked.Decrement(ref inFlight);
        }
    }

    private Token Issue(Token? current)
    {
        var number = Interlocked.Increment(ref issued);
        var answer = new Token
        {
            AccessToken = new Secret($"access-{number}"),
            RefreshToken = new Secret($"refresh-{number}"),
            Lifetime = Lifetime,
            ExpiresAt = time.GetUtcNow() + Lifetime,
        };
        return current is null ? answer : current.After(answer);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int before;
        while ((before = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, before) != before)
        {
        }
    }
}

using System.Collections.Concurrent;

namespace Exporter.Tokens.Testing;

/// <summary>
/// A grant without a provider. It returns the scripted outcomes in their order, and after them a new token for each request:
/// <c>access-1</c> and <c>refresh-1</c>, <c>access-2</c> and <c>refresh-2</c>, and so on. It records the requests. Safe for concurrent use.
/// </summary>
public sealed class FakeGrant(TimeProvider time) : IGrant
{
    private readonly ConcurrentQueue<Func<Token?, Renewal>> script = new();
    private readonly ConcurrentQueue<Token?> received = new();
    private TaskCompletionSource? gate;
    private TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int issued;
    private readonly Lock counting = new();
    private int inFlight;
    private int mostInFlight;

    /// <summary>The lifetime of the tokens; null for a provider that does not return one.</summary>
    public TimeSpan? Lifetime { get; set; } = TimeSpan.FromHours(3);

    /// <summary>The duration of a request, on its clock.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Whether it can renew without a token, as a password grant can.</summary>
    public bool NeedsNoToken { get; set; }

    /// <summary>The current token of each request, in order.</summary>
    public IReadOnlyList<Token?> ReceivedTokens => [.. received];

    public int Requests => received.Count;

    /// <summary>The largest number of concurrent requests.</summary>
    public int MostInFlight { get { lock (counting) { return mostInFlight; } } }

    /// <summary>Completes when the next request arrives.</summary>
    public Task Arrived => arrived.Task;

    public bool CanRenew(Token? current) => NeedsNoToken || current?.RefreshToken is not null;

    /// <summary>Adds outcomes, one for each request.</summary>
    public FakeGrant Then(params IEnumerable<Renewal> outcomes)
    {
        foreach (var outcome in outcomes)
        {
            script.Enqueue(_ => outcome);
        }
        return this;
    }

    /// <summary>Adds a function that returns the outcome of a request, or throws.</summary>
    public FakeGrant Then(Func<Token?, Renewal> outcome)
    {
        script.Enqueue(outcome);
        return this;
    }

    /// <summary>Delays the response of each new request until <see cref="Release"/>.</summary>
    public void Hold() => gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var held = gate;
        gate = null;
        held?.SetResult();
    }

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        lock (counting)
        {
            mostInFlight = Math.Max(mostInFlight, ++inFlight);
        }
        received.Enqueue(current);
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
            lock (counting)
            {
                inFlight--;
            }
        }
    }

    private Token Issue(Token? current)
    {
        var number = Interlocked.Increment(ref issued);
        var token = new Token
        {
            AccessToken = new Secret($"access-{number}"),
            RefreshToken = new Secret($"refresh-{number}"),
            Lifetime = Lifetime,
            ExpiresAt = time.GetUtcNow() + Lifetime,
        };
        return current is null ? token : current.After(token);
    }
}

namespace Exporter.Tokens;

/// <summary>The latest value, and a signal when it changes. Values are immutable. Safe for concurrent use.</summary>
public sealed class Latest<T>(T initial) where T : class
{
    private readonly Lock gate = new();
    private volatile T value = initial;
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public T Value => value;

    /// <summary>Completes at the next change. Get it before you read <see cref="Value"/>.</summary>
    public Task Changed => changed.Task;

    public void Set(T next)
    {
        lock (gate)
        {
            value = next;
            var done = changed;
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            done.SetResult();
        }
    }
}

using Exporter.Tokens;

namespace Exporter.Tests.Tokens;

/// <summary>A store on a file system that comes to hang, as one over a network does: whoever reads keeps waiting, and its thread with it.</summary>
internal sealed class HangingStore(ITokenStore inner) : ITokenStore, IDisposable
{
    private readonly ManualResetEventSlim answers = new(initialState: true);

    public string Location => inner.Location;

    public void Hang() => answers.Reset();

    public ValueTask<Stored> ReadAsync(CancellationToken cancellation)
    {
        answers.Wait(CancellationToken.None);
        return inner.ReadAsync(cancellation);
    }

    public ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation) => inner.WriteAsync(token, expected, cancellation);

    public ValueTask<Saved> SignOutAsync(CancellationToken cancellation) => inner.SignOutAsync(cancellation);

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellation) => inner.LockAsync(cancellation);

    /// <summary>Lets go who waits; the event is left to them.</summary>
    public void Dispose() => answers.Set();
}

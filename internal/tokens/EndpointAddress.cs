namespace Exporter.Tokens;

/// <summary>Where an endpoint is: at a fixed address, or where the server's metadata says. Safe for concurrent use.</summary>
public sealed class EndpointAddress
{
    private readonly string text;
    private readonly Func<CancellationToken, Task<Result<Uri, Renewal>>> find;
    private readonly Action reconsider;

    /// <param name="text">Differs from the text of every other address.</param>
    /// <param name="reconsider">Called after a request that failed, because the address may be an old one.</param>
    internal EndpointAddress(string text, Func<CancellationToken, Task<Result<Uri, Renewal>>> find, Action reconsider) =>
        (this.text, this.find, this.reconsider) = (text, find, reconsider);

    public static implicit operator EndpointAddress(Uri address) => FromUri(address);

    public static EndpointAddress FromUri(Uri address) =>
        new(address.AbsoluteUri, _ => Task.FromResult<Result<Uri, Renewal>>(address), () => { });

    /// <summary>The address, or a temporary failure. Throws only when <paramref name="cancellationToken"/> is cancelled.</summary>
    public Task<Result<Uri, Renewal>> FindAsync(CancellationToken cancellationToken) => find(cancellationToken);

    public override string ToString() => text;

    internal void Reconsider() => reconsider();
}

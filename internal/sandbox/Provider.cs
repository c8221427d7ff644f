using System.Net;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>
/// The options of the stand-in for one provider. Each directory next to this file contains one stand-in: the class <c>XProvider</c> in
/// <c>XProvider.cs</c>, and the record <c>XProviderOptions</c>. The build creates the list of stand-ins from these names.
/// </summary>
public abstract record ProviderOptions
{
    /// <summary>The options of every stand-in; the default one first.</summary>
    public static IReadOnlyList<ProviderOptions> All { get; } = [.. ProviderList.All.OrderByDescending(options => options.IsDefault)];

    /// <summary>Whether control requests without a provider apply to this one. True for exactly one stand-in.</summary>
    public virtual bool IsDefault => false;

    /// <summary>The flags of the sandbox's command that change these options.</summary>
    public virtual IReadOnlyList<ProviderFlag> Flags => [];

    /// <summary>The default options of the sandbox's command.</summary>
    /// <param name="listen">The sandbox's address.</param>
    public virtual ProviderOptions ForCommand(IPEndPoint listen) => this;

    /// <summary>A copy with another lifetime of access tokens, if the provider supports that.</summary>
    public virtual ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this;

    internal abstract IProvider Open(SandboxContext sandbox);
}

/// <summary>A flag of the sandbox's command.</summary>
/// <param name="Default">The default value, for the help.</param>
/// <param name="Apply">
/// Returns the options with these values; there are several if the flag is repeated. Throws an <see cref="InvalidDataException"/> for an
/// invalid value, with a message that starts with that value.
/// </param>
public sealed record ProviderFlag(
    string Name, string Placeholder, string Help, IReadOnlyList<string> Default, Func<IReadOnlyList<string>, ProviderOptions> Apply);

/// <summary>The stand-in for one provider.</summary>
internal interface IProvider : IAsyncDisposable
{
    /// <summary>The name of its source.</summary>
    string Name { get; }

    AuthorizationServer Authorization { get; }

    /// <summary>The provider's kinds of login by name; most providers have one.</summary>
    IReadOnlyDictionary<string, AuthorizationServer> Levels => new Dictionary<string, AuthorizationServer> { ["login"] = Authorization };

    IReadOnlyList<ProviderEndpoint> Endpoints { get; }

    void Map(IEndpointRouteBuilder routes);

    /// <summary>Opens listeners other than the HTTP endpoints.</summary>
    /// <exception cref="IOException">An address is in use.</exception>
    Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Creates a login and returns the response of the provider's token endpoint.</summary>
    /// <param name="level">One of <see cref="Levels"/>; null uses <see cref="Authorization"/>.</param>
    ProviderResponse Login(string? level, string? user, IReadOnlyList<string>? scope);

    /// <summary>The output of the sandbox's command: everything you need to configure an account, with a new login.</summary>
    Task<IReadOnlyList<string>> DescribeAsync(Uri address, CancellationToken cancellationToken);

    /// <summary>Simulates activity while the sandbox's command runs. Completes without an exception when it is canceled.</summary>
    Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}

using System.Net;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>
/// The stand-in for one provider as a person sets it up. Each directory beside this file has one: <c>XProvider.cs</c> with the class <c>XProvider</c>, and
/// the record <c>XProviderOptions</c>, from which the build makes the list of stand-ins.
/// </summary>
public abstract record ProviderOptions
{
    /// <summary>Those of every stand-in, the default one first.</summary>
    public static IReadOnlyList<ProviderOptions> All { get; } = [.. ProviderList.All.OrderByDescending(options => options.IsDefault)];

    /// <summary>Whether a control request that names no stand-in means this one. Exactly one says yes.</summary>
    public virtual bool IsDefault => false;

    /// <summary>The flags of the sandbox's command that change these options.</summary>
    public virtual IReadOnlyList<ProviderFlag> Flags => [];

    /// <summary>The options that the sandbox's command starts from.</summary>
    /// <param name="listen">The sandbox's address.</param>
    public virtual ProviderOptions ForCommand(IPEndPoint listen) => this;

    /// <summary>The same with another lifetime of access tokens, where the provider lets it differ.</summary>
    public virtual ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this;

    internal abstract IProvider Open(Surroundings surroundings);
}

/// <summary>A flag of the sandbox's command.</summary>
/// <param name="Default">What applies without the flag, for the help.</param>
/// <param name="Apply">
/// The options with these values, several if the flag is repeated. It throws an <see cref="InvalidDataException"/> for a wrong value, whose message begins with that value.
/// </param>
public sealed record ProviderFlag(
    string Name, string Placeholder, string Help, IReadOnlyList<string> Default, Func<IReadOnlyList<string>, ProviderOptions> Apply);

/// <summary>The stand-in for one provider.</summary>
internal interface IProvider : IAsyncDisposable
{
    /// <summary>The name of its source.</summary>
    string Name { get; }

    AuthorizationServer Authorization { get; }

    /// <summary>Every kind of login that the provider has, by a name for it; most have one kind.</summary>
    IReadOnlyDictionary<string, AuthorizationServer> Levels => new Dictionary<string, AuthorizationServer> { ["login"] = Authorization };

    IReadOnlyList<ProviderEndpoint> Endpoints { get; }

    void Map(IEndpointRouteBuilder routes);

    /// <summary>Opens what the stand-in has beside its HTTP endpoints.</summary>
    /// <exception cref="IOException">An address is taken.</exception>
    Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Makes a fresh login and answers as the provider's token endpoint would.</summary>
    /// <param name="level">One of <see cref="Levels"/>; null is that of <see cref="Authorization"/>.</param>
    Answer Login(string? level, string? user, IReadOnlyList<string>? scope);

    /// <summary>What the sandbox's command prints: everything a person needs to configure an account here, with a fresh login.</summary>
    Task<IReadOnlyList<string>> IntroduceAsync(Uri address, CancellationToken cancellationToken);

    /// <summary>What happens at the provider by itself while the sandbox's command runs. Ends when it is canceled, without an exception.</summary>
    Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}

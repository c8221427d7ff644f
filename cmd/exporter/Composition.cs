using Exporter.Accounts;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>What the program is made of.</summary>
internal static class Composition
{
    /// <summary>The sources in <c>internal/sources</c>, the default one first.</summary>
    public static IReadOnlyList<ISource> Sources { get; } = [.. SourceList.All.OrderByDescending(source => source.IsDefault)];

    /// <summary>The services that <c>serve</c> and every command share: clock, log, sources, and these accounts.</summary>
    public static IServiceCollection AddExporter(this IServiceCollection services, TimeProvider time, ILoggerFactory logging, IReadOnlyList<ConfiguredAccount> accounts) => services
        .AddSingleton(time)
        .AddLogging().Replace(ServiceDescriptor.Singleton(logging))
        .AddSources(Sources)
        .AddAccounts(accounts);

    /// <summary>The container of a command, which runs without a host and without the web parts.</summary>
    public static ServiceProvider Services(TimeProvider time, ILoggerFactory logging, params IReadOnlyList<ConfiguredAccount> accounts) =>
        new ServiceCollection().AddExporter(time, logging, accounts).BuildServiceProvider();
}

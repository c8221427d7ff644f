using Exporter.Accounts;

namespace Exporter;

/// <summary>What the program is made of.</summary>
internal static class Composition
{
    /// <summary>The sources in <c>internal/sources</c>, the default one first.</summary>
    public static IReadOnlyList<ISource> Sources { get; } = [.. SourceList.All.OrderByDescending(source => source.IsDefault)];

    /// <summary>The container that accounts are opened with.</summary>
    public static ServiceProvider Services(TimeProvider time, ILoggerFactory logging) =>
        new ServiceCollection().AddSingleton(time).AddSingleton(logging).AddSources(Sources).BuildServiceProvider();
}

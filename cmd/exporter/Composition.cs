using Exporter.BmwCarData;
using Exporter.Ergani;
using Exporter.Netatmo;
using Exporter.OAuth2;
using Exporter.Accounts;
using Exporter.Webex;

namespace Exporter;

/// <summary>What the program is made of.</summary>
internal static class Composition
{
    /// <summary>The clouds. Adding one is a folder, its stand-in, and a line here; the first is asked for when nothing is configured.</summary>
    public static IReadOnlyList<ISource> Sources { get; } = [new NetatmoSource(), new BmwCarDataSource(TimeProvider.System), new ErganiSource(), new WebexSource(), new OAuth2Source()];

    /// <summary>The container that accounts are opened with.</summary>
    public static ServiceProvider Services(TimeProvider time, ILoggerFactory logging) =>
        new ServiceCollection().AddSingleton(time).AddSingleton(logging).AddSources(Sources).BuildServiceProvider();
}

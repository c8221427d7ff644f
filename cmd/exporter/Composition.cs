using Exporter.BmwCarData;
using Exporter.Ergani;
using Exporter.Netatmo;
using Exporter.OAuth2;
using Exporter.Sources;
using Exporter.Webex;

namespace Exporter;

/// <summary>What the program is made of.</summary>
internal static class Composition
{
    /// <summary>The clouds. Adding one is a folder, its stand-in, and a line here; the first is asked for when nothing is configured.</summary>
    public static IReadOnlyList<ISource> Sources { get; } = [new NetatmoSource(), new BmwCarDataSource(TimeProvider.System), new ErganiSource(), new WebexSource(), new OAuth2Source()];
}

using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Tests.Support;

/// <summary>Opens accounts as the program does, with a clock and a log of the test's.</summary>
internal static class Opened
{
    public static Account Open(this PlannedAccount planned, KeeperOptions keeping, TimeProvider time, ILoggerFactory logging) =>
        planned.Open(keeping, Composition.Services(time, logging));
}

using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tests.Support;

/// <summary>Opens accounts as the program does, with the clock and the log of a test.</summary>
internal static class Opened
{
    public static Account Open(this ConfiguredAccount planned, TokenManagerOptions keeping, TimeProvider time, ILoggerFactory logging) =>
        planned.Open(keeping, Composition.Services(time, logging));

    /// <summary>The context of a single account, with its token in memory.</summary>
    public static AccountContext Context(string name, TimeProvider time) =>
        new(name, HasAccountLabel: false, new MemoryStore(), new TokenManagerOptions(), Composition.Services(time, NullLoggerFactory.Instance));
}

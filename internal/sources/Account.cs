using Exporter.Metrics;
using Exporter.Tokens;

namespace Exporter.Sources;

/// <summary>One configured login at a source, opened: its token is kept and its readings are taken while <see cref="RunAsync"/> runs.</summary>
public sealed class Account(string name, string source, bool labelled, Keeper keeper, IFeed? feed) : IDisposable
{
    public string Name => name;

    /// <summary>The source's name, as in the configuration.</summary>
    public string Source => source;

    /// <summary>Whether the account's name is a label of its series: it is when accounts are named in the configuration.</summary>
    public bool Labelled => labelled;

    public Keeper Keeper => keeper;

    /// <summary>Null for an account that is a token and nothing else.</summary>
    public IFeed? Feed => feed;

    /// <summary>How a person logs in to it.</summary>
    public LoginMethod Login { get; init; } = new LoginMethod.Unattended();

    /// <summary>Ends the login at the cloud, and says why it could not; null where the cloud does not offer that. Leaves the keeper alone.</summary>
    public Func<Token, CancellationToken, Task<string?>>? Revoke { get; init; }

    /// <summary>The slice's own series whose value is only known at the moment of the scrape.</summary>
    public IReadOnlyList<LiveValue> Live { get; init; } = [];

    /// <summary>What <c>/debug/data</c> shows: the latest reading as JSON, from memory; null before there is one.</summary>
    public Func<byte[]?> DebugData { get; init; } = () => null;

    /// <summary>What its source's commands do with it; an exit code comes back.</summary>
    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Commands { get; init; } =
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>();

    /// <summary>Things to close with the account.</summary>
    public IReadOnlyList<IDisposable> Owned { get; init; } = [];

    public Task RunAsync(CancellationToken cancellation) => feed?.RunAsync(cancellation) ?? Task.CompletedTask;

    public void Dispose()
    {
        foreach (var owned in Owned)
        {
            owned.Dispose();
        }
        keeper.Dispose();
    }
}

/// <summary>A series that is read at the moment of the scrape; null leaves it out. <paramref name="Read"/> must not wait or allocate.</summary>
public sealed record LiveValue(string Name, string Help, MetricKind Kind, Func<double?> Read);

using Exporter.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Cluster;

/// <summary>The store, and the keys that encrypt its tokens.</summary>
internal sealed record ClusterOptions(PostgresOptions Store, TokenKeys Keys, ApiOptions Api)
{
    /// <summary>The settings of the program in addition to those of every exporter.</summary>
    public static IReadOnlyList<Setting> Settings { get; } = [.. PostgresOptions.All, .. ApiOptions.Settings];

    /// <summary>Reads the settings and the key file. Null after printing every problem.</summary>
    public static ClusterOptions? Read(CommandContext context)
    {
        var program = context.Options.Configuration.Program;
        var (store, api) = (PostgresOptions.Read(program), ApiOptions.Read(program));
        var (keys, problem) = store is null ? default : TokenKeys.Read(store.KeyFile);
        using var services = Composition.Services(context.Time, NullLoggerFactory.Instance);
        List<string> problems =
        [
            .. program.Problems.Select(one => one.ToString()), .. problem is null ? [] : new[] { problem },
            .. SharedStoreServices.Problems(context.Options.Accounts, services),
        ];
        problems.ForEach(context.Terminal.Error.WriteLine);
        return problems.Count == 0 && keys is not null ? new ClusterOptions(store!, keys, api) : null;
    }
}

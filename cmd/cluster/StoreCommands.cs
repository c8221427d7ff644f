using Exporter.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Cluster;

/// <summary><c>store</c>: moves tokens between files and the shared store, and changes its key. Replicas may run.</summary>
internal static class StoreCommands
{
    private const string Group = "store";

    private static readonly IReadOnlyList<Setting> Settings = [Configuration.ConfigFile, .. PostgresOptions.All];

    public static void AddTo(CommandLine program)
    {
        AddImport(program);
        AddExport(program);
        program.Add(
            new Command("rekey", "Encrypts all tokens of the store with the first key of the key file. Every replica must have this key first."),
            new(CommandGroup.Accounts, ["oauth-exporter-cluster store rekey --config exporter.yml"], Settings),
            (context, _, cancellationToken) => RunAsync(context, store => RekeyAsync(context, store, cancellationToken), cancellationToken),
            groups: Group);
    }

    private static void AddImport(CommandLine program)
    {
        var names = new Argument<string[]>("ACCOUNT") { Arity = ArgumentArity.ZeroOrMore, Description = "The accounts. By default, all." };
        names.CompletionSources.Add(context => program.AccountNames(context.ParseResult));
        program.Add(
            new Command("import", "Moves the tokens of the configured accounts from their files to the store.") { names },
            new(CommandGroup.Accounts, ["oauth-exporter-cluster store import home --config exporter.yml"], Settings),
            (context, result, cancellationToken) => RunAsync(
                context, store => ImportAsync(context, store, result.GetValue(names) ?? [], cancellationToken), cancellationToken),
            groups: Group);
    }

    private static void AddExport(CommandLine program)
    {
        var name = new Argument<string>("NAME") { Description = "The account." };
        name.CompletionSources.Add(context => program.AccountNames(context.ParseResult));
        program.Add(
            new Command("export", "Moves the token of an account from the store to its file, and deletes the account in the store.") { name },
            new(CommandGroup.Accounts, ["oauth-exporter-cluster store export home --config exporter.yml"], Settings),
            (context, result, cancellationToken) => RunAsync(context, async store =>
            {
                var account = result.GetRequiredValue(name);
                return await ReportAsync(context, account, await store.ExportAsync(account, cancellationToken));
            }, cancellationToken),
            groups: Group);
    }

    private static async Task<int> ImportAsync(
        CommandContext context, StoreAdministration store, string[] names, CancellationToken cancellationToken)
    {
        var accounts = names.Length == 0 ? context.Options.Accounts.Select(account => account.Name).ToList() : [.. names];
        if (accounts.Any(account => context.FindAccount(account) is null))
        {
            return ExitCode.Failed;
        }
        var exitCode = ExitCode.Done;
        foreach (var account in accounts.Distinct())
        {
            exitCode = Math.Max(exitCode, await ReportAsync(context, account, await store.ImportAsync(account, cancellationToken)));
        }
        return exitCode;
    }

    private static async Task<int> RekeyAsync(CommandContext context, StoreAdministration store, CancellationToken cancellationToken)
    {
        var result = await store.RekeyAsync(cancellationToken);
        await context.Terminal.Output.WriteLineAsync($"Encrypted {result.Replaced} tokens with the key {result.KeyId}.");
        foreach (var problem in result.Problems)
        {
            await context.Terminal.Error.WriteLineAsync($"{problem}.");
        }
        return result.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static async Task<int> ReportAsync(CommandContext context, string account, Result<string, StoreFailure> result)
    {
        if (result.Failure is { } failure)
        {
            return context.Terminal.Fail($"{account}: {failure.Reason}", failure.IsTemporary ? ExitCode.TryLater : ExitCode.Failed);
        }
        await context.Terminal.Output.WriteLineAsync($"{account}: {result.Value}.");
        return ExitCode.Done;
    }

    private static async Task<int> RunAsync(CommandContext context, Func<StoreAdministration, Task<int>> run, CancellationToken cancellationToken)
    {
        if (ClusterOptions.Read(context) is not { } options)
        {
            return ExitCode.Failed;
        }
        await using var services = new ServiceCollection().AddExporter(context.Time, NullLoggerFactory.Instance, [])
            .AddStoreAdministration(options.Store, options.Keys, context.Options.Accounts).BuildServiceProvider();
        var store = services.GetRequiredService<StoreAdministration>();
        try
        {
            return await store.PrepareAsync(cancellationToken) is { } problem ? context.Terminal.Fail(problem) : await run(store);
        }
        catch (StoreUnavailableException e)
        {
            return context.Terminal.Fail($"{e.Reason}; run the command again later", ExitCode.TryLater);
        }
    }
}

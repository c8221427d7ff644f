using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>The composition root.</summary>
internal static class Composition
{
    /// <summary>The sources in <c>internal/sources</c>, the default one first.</summary>
    public static IReadOnlyList<ISource> Sources { get; } = [.. SourceList.All.OrderByDescending(source => source.IsDefault)];

    /// <summary>All commands of the program.</summary>
    public static void AddCommands(this CommandLine program)
    {
        Action<CommandLine>[] commands =
        [
            ServeCommand.AddTo, CheckCommand.AddTo, HealthCommand.AddTo, HashPasswordCommand.AddTo, KeepCommand.AddTo, LoginCommand.AddTo,
            LoginLinkCommand.AddTo, RefreshCommand.AddTo, TokenCommand.AddTo, LogoutCommand.AddTo, StatusCommand.AddTo, SourceCommands.AddTo,
            CompletionCommand.AddTo, HelpCommand.AddTo,
        ];
        Array.ForEach(commands, addTo => addTo(program));
    }

    /// <summary>Adds the services that <c>serve</c> and every other command share.</summary>
    public static IServiceCollection AddExporter(
        this IServiceCollection services, TimeProvider time, ILoggerFactory logging, IReadOnlyList<ConfiguredAccount> accounts) => services
        .AddSingleton(time)
        .AddLogging().Replace(ServiceDescriptor.Singleton(logging))
        .AddSources(Sources)
        .AddAccounts(accounts);

    /// <summary>Builds the container of a command that runs without a host and web server.</summary>
    public static ServiceProvider Services(TimeProvider time, ILoggerFactory logging, params IReadOnlyList<ConfiguredAccount> accounts) =>
        new ServiceCollection().AddExporter(time, logging, accounts).BuildServiceProvider();
}

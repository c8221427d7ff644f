using System.Collections;
using Exporter;
using Exporter.Cluster;

var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "");
using var signals = new ShutdownSignals();
var program = new CommandLine(Composition.Sources, environment, Terminal.Current, TimeProvider.System, ClusterOptions.Settings)
{
    NeedsTokenFiles = false,
};
Action<CommandLine>[] commands =
[
    ServeReplicaCommand.AddTo, CheckTemplatesCommand.AddTo, StoreCommands.AddTo, HealthCommand.AddTo, HashPasswordCommand.AddTo,
    CompletionCommand.AddTo, HelpCommand.AddTo,
];
Array.ForEach(commands, addTo => addTo(program));
return await program.RunAsync(args, signals.Token);

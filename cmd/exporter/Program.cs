using System.Collections;
using Exporter;

var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "");
using var signals = new ShutdownSignals();
var program = new CommandLine(Composition.Sources, environment, Terminal.Current, TimeProvider.System);
program.AddCommands();
return await program.RunAsync(args, signals.Token);

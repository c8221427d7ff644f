using System.Collections;
using Exporter;
using Exporter.Accounts;

var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "");
var time = TimeProvider.System;
var systemd = Systemd.Of(environment, time);
using var end = new EndSignals();
var program = new CommandLine(Composition.Sources, environment, Console.Out, Console.Error);

program.Default(ServeAsync);
program.Add("serve", "Keeps the tokens, reads the sources and answers scrapes.", ServeAsync);
program.Add("check", "Reads the configuration, says all that is wrong with it, and does nothing else.", (startup, _) => Check.RunAsync(startup, Console.Out));
program.AddHealth(Terminal.Current, time);
program.AddHashPassword(Terminal.Current);
program.AddAccountCommands(Composition.Sources, Terminal.Current, time);
program.AddSourceCommands(Composition.Sources, Terminal.Current, time);

return await program.RunAsync(args, end.Token);

async Task<int> ServeAsync(Startup startup, CancellationToken cancellationToken)
{
    using var logging = LogLines.Factory(startup.Level, Console.Error);
    return await new Serve(startup, systemd, time, logging).RunAsync(cancellationToken);
}

using Exporter;
using Exporter.Netatmo;
using Exporter.Sources;
using Exporter.Web;

ISource[] sources = [new NetatmoSource()];

var configuration = Configuration.Load(
    [.. WebOptions.Settings],
    [.. sources.Select(s => s.Settings)],
    new Dictionary<Setting, IReadOnlyList<string>>(),
    Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string)e.Value!),
    Environment.CurrentDirectory);
var web = WebOptions.Read(configuration.Program);
var accounts = PlannedAccount.All(configuration, sources);
foreach (var problem in configuration.Problems)
{
    Console.Error.WriteLine(problem);
}
if (configuration.Problems.Count > 0)
{
    return 1;
}
using var logging = LoggerFactory.Create(l => l.SetMinimumLevel(LogLevel.Trace).AddProvider(new LogLines(LogLevel.Information, Console.Error)));
return await new Serve(web, accounts, TimeProvider.System, logging).RunAsync(CancellationToken.None);

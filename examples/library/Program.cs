using Exporter.Ergani;
using Exporter.Examples.Library;
using Exporter.Tokens;

// Arguments: the address of the sandbox, and the directory for tokens.
var sandbox = new Uri(args is [var address, ..] ? address : "http://127.0.0.1:9300");
var directory = args is [_, var named, ..] ? named : Path.Combine(Path.GetTempPath(), "exporter-library-example");
var credentials = new ErganiCredentials(
    "sandbox-user", new Secret("sandbox-ergani-password"), ErganiEnvironment.Test with { Address = new Uri(sandbox, "/WebservicesAPI/api/") });

await Default.RunAsync(credentials, directory);
await CustomStore.RunAsync(credentials);
await Injected.RunAsync(credentials, directory);
await Fakes.RunAsync();

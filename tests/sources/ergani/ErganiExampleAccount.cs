using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;

namespace Exporter.Tests.Ergani;

internal sealed class ErganiExampleAccount : IExampleAccount
{
    public string Configure(SandboxServer sandbox, TemporaryDirectory directory) => $"""
        office:
          source: ergani
          username: {sandbox.Ergani.Username}
          password: {sandbox.Ergani.Password}
          token_folder: ergani
          api_url: {ErganiProvider.AddressAt(sandbox.Address)}
          counts: [submissions, services, employer, branches, workforce]
        """;
}

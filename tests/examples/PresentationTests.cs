using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>What people read of every example account, with the services of the program and the sandbox as the providers.</summary>
public sealed class PresentationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_source_presents_its_readings()
    {
        using var directory = new TemporaryDirectory();
        var examples = ExampleAccounts.All;
        var options = new SandboxOptions { Providers = [.. examples.Select(example => example.Provider).OfType<ProviderOptions>()] };
        await using var sandbox = await SandboxServer.StartAsync(options, Cancellation);
        var file = directory.Write("exporter.yml", ExampleAccounts.Configure(examples, sandbox, directory));
        var configuration = Configuration.Load(
            [], [.. Composition.Sources.Select(source => source.Settings)],
            new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [file] }, new Dictionary<string, string>(), directory.Path);
        var configured = ConfiguredAccount.All(configuration, Composition.Sources);
        Assert.Empty(configuration.Problems);
        using var logs = new CollectedLog();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddExporter(TimeProvider.System, logs, configured);
        using var host = builder.Build();
        await host.StartAsync(Cancellation);
        foreach (var example in examples)
        {
            await example.SendAsync(sandbox, Cancellation);
        }

        foreach (var account in host.Services.GetRequiredService<AccountList>().Current.Where(account => account.ReadingSource is not null))
        {
            var source = account.ReadingSource!;
            for (var changed = source.Changed; source.Status.ReadAt is null; changed = source.Changed)
            {
                await changed.WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System, Cancellation);
            }
            var presentation = source.Present(TimeProvider.System.GetUtcNow());
            TestContext.Current.TestOutputHelper?.WriteLine($"{account.Name}:\n{Presentations.Text(presentation)}");

            Assert.True(presentation.Cards.Count + presentation.Tables.Count > 0, $"{account.Source} presents nothing");
            Presentations.AssertReadable(presentation);
        }
        await host.StopAsync(Cancellation);
    }
}

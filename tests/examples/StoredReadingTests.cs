using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>One poll of every example account with the sandbox as the providers, and its reading in another container, as in another process.</summary>
public sealed class StoredReadingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_process_shows_the_reading_of_every_source_without_a_request()
    {
        using var directory = new TemporaryDirectory();
        var examples = ExampleAccounts.All;
        var options = new SandboxOptions { Providers = [.. examples.Select(example => example.Provider).OfType<ProviderOptions>()] };
        await using var sandbox = await SandboxServer.StartAsync(options, Cancellation);
        var file = directory.Write("exporter.yml", ExampleAccounts.Configure(examples, sandbox, directory));
        using var logs = new CollectedLog();
        using var one = Open(file, directory, logs);
        var sources = new List<string>();
        foreach (var account in Accounts(one))
        {
            await account.LoadAsync(isProgramStart: true, Cancellation);
            foreach (var manager in account.TokenManagers)
            {
                await manager.RenewAsync(null, Cancellation);
            }
            var before = Assert.IsType<IStoredReadingSource>(account.ReadingSource, exactMatch: false);
            if (before is IPolledReadingSource polled)
            {
                await polled.PollOnceAsync(Cancellation);
                Assert.True(before.Status.Up, $"{account.Name}: {before.Status.Failure?.Reason}");
                sources.Add(account.Source);
            }
            var saved = before.Save();

            using var two = Open(file, directory, logs);
            var after = (IStoredReadingSource)Accounts(two).Single(other => other.Name == account.Name).ReadingSource!;
            Assert.Null(after.Restore(saved, TimeProvider.System.GetUtcNow()));

            Assert.Equal(saved.Json.ToArray(), after.Save().Json.ToArray());
            Assert.Equal(saved.Memory?.ToArray(), after.Save().Memory?.ToArray());
            foreach (var wait in new[] { TimeSpan.Zero, TimeSpan.FromMinutes(59), TimeSpan.FromHours(2), TimeSpan.FromDays(400) })
            {
                var now = TimeProvider.System.GetUtcNow() + wait;
                Assert.Equal(Pages.Text(before.Collect(now).Families), Pages.Text(after.Collect(now).Families));
                Assert.Equal(Presentations.Text(before.Present(now)), Presentations.Text(after.Present(now)));
            }
        }
        Assert.Equal(["ergani", "http", "netatmo", "webex"], sources.Distinct().Order(StringComparer.Ordinal));
    }

    private static ServiceProvider Open(string file, TemporaryDirectory directory, CollectedLog logs)
    {
        var configuration = Configuration.Load(
            [], [.. Composition.Sources.Select(source => source.Settings)],
            new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [file] }, new Dictionary<string, string>(), directory.Path);
        var configured = ConfiguredAccount.All(configuration, Composition.Sources);
        Assert.Empty(configuration.Problems);
        return Composition.Services(TimeProvider.System, logs, configured);
    }

    private static IEnumerable<Account> Accounts(ServiceProvider services) =>
        services.GetRequiredService<AccountList>().Current.Where(account => account.ReadingSource is not null);
}

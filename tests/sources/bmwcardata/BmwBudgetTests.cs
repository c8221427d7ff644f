using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Accounts of a shared store.</summary>
public sealed class BmwBudgetTests
{
    [Fact]
    public void Each_user_has_a_budget_although_all_have_one_client()
    {
        using var directory = new TemporaryDirectory();
        var (accounts, problems) = Configured.Of(new BmwCarDataSource(), """
            accounts:
              cars:
                source: bmw-cardata
                client_id: 11111111-2222-3333-4444-555555555555
                token_file: token.json
                rest: true
                rest_daily_calls: 30
            """, new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        var budgets = new CountedBudgets();
        using var services = new ServiceCollection().AddSingleton<TimeProvider>(new ManualTime())
            .AddLogging().Replace(ServiceDescriptor.Singleton<ILoggerFactory>(NullLoggerFactory.Instance))
            .AddSources([new BmwCarDataSource()]).AddSingleton<IRequestBudgets>(budgets).BuildServiceProvider();

        foreach (var name in new[] { "first", "second" })
        {
            using var account = Assert.Single(accounts).OpenAs(name, new MemoryStore(), new TokenManagerOptions(), services);
        }

        Assert.Equal(
            [new BudgetKey("bmw-cardata", "BMW", "first"), new BudgetKey("bmw-cardata", "BMW", "second")], budgets.Opened.Select(one => one.Key));
        Assert.All(budgets.Opened, one => Assert.Equal([new BudgetWindow(30, TimeSpan.FromHours(24))], one.Windows));
    }

    [Fact]
    public async Task The_values_of_the_cars_are_in_the_saved_reading_and_in_no_file()
    {
        using var directory = new TemporaryDirectory();
        var (accounts, problems) = Configured.Of(new BmwCarDataSource(), """
            state_folder: state
            accounts:
              cars:
                source: bmw-cardata
                client_id: 11111111-2222-3333-4444-555555555555
                rest: true
            """, new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        var time = new ManualTime(Car.Now);
        using var log = new CollectedLog();
        using var services = new ServiceCollection().AddSingleton<TimeProvider>(time)
            .AddLogging().Replace(ServiceDescriptor.Singleton<ILoggerFactory>(log))
            .AddSources([new BmwCarDataSource()]).AddSingleton<IRequestBudgets>(new CountedBudgets()).BuildServiceProvider();

        async Task<BmwFeed> RunAsync(Func<TokenManagerOptions, IServiceProvider, Account> open)
        {
            using var account = open(new TokenManagerOptions(), services);
            using var stop = new CancellationTokenSource();
            var feed = (BmwFeed)account.ReadingSource!;
            var running = account.RunAsync(stop.Token);
            feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));
            await stop.CancelAsync();
            await running;
            return feed;
        }

        var cars = Assert.Single(accounts);
        var feed = await RunAsync((options, services) => cars.OpenAs("first", new MemoryStore(), options, services));

        Assert.Contains(Car.Electric, System.Text.Encoding.UTF8.GetString(feed.Save().Json.Span), StringComparison.Ordinal);
        Assert.Equal(["exporter.yml"], directory.Names);
        Assert.Empty(log.At(LogLevel.Error));
        // The home program keeps its file.
        await RunAsync(cars.Open);
        Assert.True(File.Exists(BmwValuesFile.PathOf(directory["state"], "cars")));
    }
}

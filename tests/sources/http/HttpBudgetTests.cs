using Exporter.Accounts;
using Exporter.Http;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>Whose requests count together, in a shared store and at home.</summary>
public sealed class HttpBudgetTests
{
    private const string OAuth = """
        oauth: {authorization_endpoint: "https://login.example/a", token_endpoint: "https://login.example/t", pkce: false}
        """;

    private readonly ManualTime time = new();
    private readonly CountedBudgets budgets = new() { Left = 1 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Each_account_with_a_login_has_a_budget_of_its_own()
    {
        Assert.Equal(["first", "second"], OwnersOf(OAuth, "client_id: shop-client"));
        Assert.All(budgets.Opened, one => Assert.Equal([new BudgetWindow(5, TimeSpan.FromHours(1))], one.Windows));
        Assert.All(budgets.Opened, one => Assert.Equal(("http", "shop"), (one.Key.Source, one.Key.Provider)));
    }

    [Fact]
    public void Accounts_with_one_client_ID_share_a_budget_if_the_API_counts_clients() =>
        Assert.Equal(["shop-client", "shop-client"], OwnersOf($"{OAuth}\nbudget_of: client", "client_id: shop-client"));

    [Fact]
    public void A_client_that_logs_in_for_itself_has_one_budget() => Assert.Equal(["shop-client", "shop-client"], OwnersOf(
        OAuth, "client_id: shop-client\n    client_secret: client-secret\n    grant: client_credentials"));

    [Fact]
    public void Accounts_with_the_credentials_of_their_template_share_a_budget()
    {
        Assert.Equal(["shelf", "shelf"], OwnersOf("""
            settings: {key: {help: A key., secret: true}}
            headers: {X-Key: "${key}"}
            auth: api_key
            """, "settings: {key: secret-key}"));
        Assert.DoesNotContain(budgets.Opened, one => one.Key.ToString().Contains("secret-key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_above_the_budget_of_a_shared_store_is_not_sent()
    {
        using var http = new StubHttp();
        var budget = budgets.Open(new BudgetKey("http", "shop", "home"), []);
        budgets.Failure = new ApiFailure.Unavailable("No request was sent to shop, because the database cannot be reached.");

        var failure = Results.Failure(await Modules.Reader(Modules.Parse(Modules.Things), http, time, budget: budget).ReadAsync(Cancellation));

        Assert.Equal(budgets.Failure, failure);
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task Without_a_shared_store_each_account_counts_in_a_file_of_the_state_directory()
    {
        using var directory = new TemporaryDirectory();
        var context = Opened.Context("a/b", time);
        var budget = context.OpenBudget(
            new BudgetKey("http", "shop", "client"), [new BudgetWindow(1, TimeSpan.FromHours(1))], directory["http/a%2Fb-requests.json"],
            NullLogger.Instance);

        Assert.Null(await budget.ReserveAsync(Cancellation));

        Assert.Equal(TimeSpan.FromHours(1), await budget.ReserveAsync(Cancellation));
        Assert.Equal(TimeSpan.FromHours(1), (await budget.FailureAsync(Cancellation))!.RetryAfter);
        Assert.True(File.Exists(directory["http/a%2Fb-requests.json"]));
    }

    /// <summary>Opens two accounts of the template <c>shelf</c>.</summary>
    private IEnumerable<string> OwnersOf(string module, string settings)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("shop.yml", $$"""
            module: shop
            about: Things.
            api: https://api.example
            budget: [5 per 1h]
            {{module}}
            requests:
              things:
                get: /things
            series:
              - from: things
                metrics:
                  shop_x: {value: $answer.x, help: X.}
            """);
        var (accounts, problems) = Configured.Of(new HttpSource(), $"""
            accounts:
              shelf:
                source: http
                module_file: shop.yml
                token_file: token.json
                {settings}
            """, new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        using var services = new ServiceCollection().AddSingleton<TimeProvider>(time)
            .AddLogging().Replace(ServiceDescriptor.Singleton<ILoggerFactory>(NullLoggerFactory.Instance))
            .AddSources([new HttpSource()]).AddSingleton<IRequestBudgets>(budgets).BuildServiceProvider();
        foreach (var name in new[] { "first", "second" })
        {
            using var account = Assert.Single(accounts).OpenAs(name, new MemoryStore(), new TokenManagerOptions(), services);
        }
        return budgets.Opened.Select(one => one.Key.Owner);
    }
}

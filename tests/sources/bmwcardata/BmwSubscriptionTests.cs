using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Sandbox;
using Exporter.Tests.Cmd;
using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>A login while only one of CarData's services is subscribed in the portal.</summary>
public sealed class BmwSubscriptionTests
{
    private const string Stream = "cardata:streaming:read";
    private const string Api = "cardata:api:read";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, Api, "select Subscribe to CarData Stream")]
    [InlineData(true, Api, "select Subscribe to CarData Stream")]
    [InlineData(true, Stream, "select Subscribe to CarData API")]
    public async Task A_login_from_a_terminal_names_the_other_one(bool rest, string subscribed, string fix)
    {
        await using var sandbox = await SandboxAsync(subscribed);
        await using var bench = new Commands();
        bench.Configure($"state_folder: state\n{Configuration(sandbox, rest)}");

        Assert.Equal(1, await bench.RunAsync("login", "--no-browser", "car"));

        Assert.Contains(fix, bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_names_the_other_one()
    {
        await using var sandbox = await SandboxAsync(Stream);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: bench => [Open(bench, Configuration(sandbox, rest: true))]);

        await bench.Submit("/", "auth/device");

        Assert.Contains("select Subscribe to CarData API", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_API_a_subscription_to_the_stream_suffices()
    {
        await using var sandbox = await SandboxAsync(Stream);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: bench => [Open(bench, Configuration(sandbox, rest: false))]);

        await bench.Submit("/", "auth/device");

        Assert.NotNull(bench.Accounts[1].TokenManager.Snapshot.Login);
    }

    private static Task<SandboxServer> SandboxAsync(string subscribed) => SandboxServer.StartAsync(
        new SandboxOptions { Time = new ManualTime(), Providers = [new BmwProviderOptions { Subscriptions = [subscribed] }] }, Cancellation);

    private static string Configuration(SandboxServer sandbox, bool rest) => $"""
        accounts:
          car:
            source: bmw-cardata
            client_id: {sandbox.Bmw.ClientId}
            token_file: car.json
            auth_url: {sandbox.Address.OriginalString}
            api_url: {sandbox.Address.OriginalString}
            rest: {(rest ? "true" : "false")}

        """;

    private static Account Open(WebBench bench, string configuration)
    {
        var (accounts, problems) = Configured.Of(new BmwCarDataSource(), configuration, new Dictionary<string, string>(), bench.DirectoryPath);
        Assert.Empty(problems);
        return Assert.Single(accounts).Open(new TokenManagerOptions(), bench.Time, NullLoggerFactory.Instance);
    }

    private sealed class Commands() : InProcessCommands(new ManualTime());
}

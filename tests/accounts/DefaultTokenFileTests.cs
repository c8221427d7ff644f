using Exporter.Netatmo;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Where a token is kept that nobody has named a place for.</summary>
public sealed class DefaultTokenFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void It_is_in_the_state_folder_where_that_is_given_under_the_accounts_name()
    {
        Assert.Equal([directory["state/netatmo-token.json"]], Locations("", ("EXPORTER_STATE_FOLDER", directory["state"]), ("NETATMO_CLIENT_ID", "id"), ("NETATMO_CLIENT_SECRET", "secret")));
        Assert.Equal(
            [directory["state/home-token.json"], directory["mine.json"]],
            Locations("accounts:\n  home: {source: netatmo, client_id: a, client_secret: b}\n  cabin: {source: netatmo, client_id: a, client_secret: b, token_file: mine.json}\n", ("EXPORTER_STATE_FOLDER", directory["state"])));
    }

    [Fact]
    public void Without_one_it_has_to_be_said()
    {
        var problem = Assert.Single(Load("", ("NETATMO_CLIENT_ID", "id"), ("NETATMO_CLIENT_SECRET", "secret")).Problems);

        Assert.Contains("token", problem.ToString(), StringComparison.Ordinal);
    }

    private string[] Locations(string yaml, params (string Name, string Value)[] environment)
    {
        var configuration = Load(yaml, environment);
        Assert.Empty(configuration.Problems);
        return [.. PlannedAccount.All(configuration, [new NetatmoSource()]).Select(planned =>
        {
            using var account = planned.Open(new TokenManagerOptions(), new ManualTime(), NullLoggerFactory.Instance);
            return account.TokenManager.StoreLocation;
        })];
    }

    private Configuration Load(string yaml, params (string Name, string Value)[] environment)
    {
        var flags = yaml.Length == 0 ? [] : new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [directory.Write("exporter.yml", yaml)] };
        var configuration = Configuration.Load([StateDirectory.Setting], [new NetatmoSource().Settings], flags, environment.ToDictionary(e => e.Name, e => e.Value), directory.Path);
        PlannedAccount.All(configuration, [new NetatmoSource()]);
        return configuration;
    }
}

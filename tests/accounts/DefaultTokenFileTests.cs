using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>The token file of an account whose settings name none.</summary>
public sealed class DefaultTokenFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void It_has_the_name_of_the_account_in_a_configured_state_directory()
    {
        var state = ("EXPORTER_STATE_FOLDER", directory["state"]);
        Assert.Equal(
            [directory["state/netatmo-token.json"]],
            Locations("", state, ("NETATMO_CLIENT_ID", "id"), ("NETATMO_CLIENT_SECRET", "secret")));
        Assert.Equal(
            [directory["state/home-token.json"], directory["mine.json"]],
            Locations("""
                accounts:
                  home: {source: netatmo, client_id: a, client_secret: b}
                  cabin: {source: netatmo, client_id: a, client_secret: b, token_file: mine.json}
                """, state));
    }

    [Fact]
    public void Without_a_state_directory_the_setting_is_required()
    {
        var problem = Assert.Single(Load("", ("NETATMO_CLIENT_ID", "id"), ("NETATMO_CLIENT_SECRET", "secret")).Problems);

        Assert.Contains("token", problem.ToString(), StringComparison.Ordinal);
    }

    private string[] Locations(string yaml, params (string Name, string Value)[] environment)
    {
        var configuration = Load(yaml, environment);
        Assert.Empty(configuration.Problems);
        return [.. ConfiguredAccount.All(configuration, [new NetatmoSource()]).Select(configured =>
        {
            using var account = configured.Open(new TokenManagerOptions(), new ManualTime(), NullLoggerFactory.Instance);
            return account.TokenManager.StoreLocation;
        })];
    }

    private Configuration Load(string yaml, params (string Name, string Value)[] environment)
    {
        var flags = new Dictionary<Setting, IReadOnlyList<string>>();
        if (yaml.Length > 0)
        {
            flags[Configuration.ConfigFile] = [directory.Write("exporter.yml", yaml)];
        }
        var variables = environment.ToDictionary(e => e.Name, e => e.Value);
        var configuration = Configuration.Load([StateDirectory.Setting], [new NetatmoSource().Settings], flags, variables, directory.Path);
        ConfiguredAccount.All(configuration, [new NetatmoSource()]);
        return configuration;
    }
}

using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>What the configuration and the token manager's files say together.</summary>
public sealed class WebexOptionsTests
{
    [Fact]
    public async Task Everything_that_is_missing_is_named_at_once_and_dotted()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.DirectoryPath.Write("token-config.json", """{"serviceApp":{"appId":"A","clientSecret":""},"tokenManager":{}}""");

        var problem = Assert.Single(bench.Plan().Problems);

        Assert.EndsWith($"{bench.ConfigFile} is missing serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_file_no_JSON_and_no_section_are_said_apart()
    {
        await using var bench = await WebexBench.StartAsync();
        Assert.Contains($"there is no file {bench.ConfigFile}", Assert.Single(bench.Plan(("WEBEX_APP_ID", "A")).Problems), StringComparison.Ordinal);

        bench.DirectoryPath.Write("token-config.json", "{\n\"serviceApp\": }");
        Assert.Contains("token-config.json is not JSON (line 2); correct it; it has to hold serviceApp.appId, ", Assert.Single(bench.Plan().Problems), StringComparison.Ordinal);

        bench.DirectoryPath.Write("token-config.json", "{}");
        Assert.Contains("has no section serviceApp; write serviceApp.appId, serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId into it", Assert.Single(bench.Plan().Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_stands_for_a_field_of_the_file()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.DirectoryPath.Write("token-config.json", """{"serviceApp":{"appId":"A","targetOrgId":"O"}}""");

        Assert.Empty(bench.Plan(("WEBEX_CLIENT_ID", "C"), ("WEBEX_CLIENT_SECRET", "S")).Problems);
    }

    [Fact]
    public async Task The_file_in_the_working_directory_makes_the_account()
    {
        await using var bench = await WebexBench.StartAsync();
        var (accounts, problems) = Configured.Of(new Exporter.Webex.WebexSource(), null, new Dictionary<string, string>(), bench.Configure().DirectoryPath);

        Assert.Empty(problems);
        Assert.Equal("webex", Assert.Single(accounts).Name);
    }

    [Theory]
    [InlineData("""{"integration":{"clientId":"I","refreshToken":"R"},"personalAccessToken":"P"}""", "is missing tokenManager.integration.clientSecret: the integration is not used")]
    [InlineData("""{"oauthClientId":"I","oauthClientSecret":"S"}""", "is missing tokenManager.oauthRefreshToken: the integration is not used")]
    [InlineData("{}", "is missing tokenManager.personalAccessToken")]
    public async Task A_level_that_is_not_whole_is_a_warning_and_no_end(string manager, string warning)
    {
        await using var bench = await WebexBench.StartAsync();
        bench.DirectoryPath.Write("token-config.json", $$"""{"serviceApp":{{bench.ServiceAppSection().ToJsonString()}},"tokenManager":{{manager}}}""");
        bench.WriteEnv(bench.Provider.LoginServiceApp());

        await bench.OpenAsync();

        Assert.Contains(bench.Log.All, line => line.Contains(warning, StringComparison.Ordinal));
        Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task Half_an_integration_in_the_settings_is_a_problem()
    {
        await using var bench = await WebexBench.StartAsync();

        Assert.Contains("set both, or neither", Assert.Single(bench.Configure().Plan(("WEBEX_INTEGRATION_CLIENT_ID", "I")).Problems), StringComparison.Ordinal);
    }
}

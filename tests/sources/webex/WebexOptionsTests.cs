using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The configuration combined with the token manager's files.</summary>
public sealed class WebexOptionsTests
{
    [Fact]
    public async Task All_missing_fields_are_listed_at_once()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.DirectoryPath.Write("token-config.json", """{"serviceApp":{"appId":"A","clientSecret":""},"tokenManager":{}}""");

        var problem = Assert.Single(fixture.Plan().Problems);

        Assert.EndsWith(
            $"{fixture.ConfigFile} is missing serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId", problem,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_invalid_JSON_and_a_missing_section_have_their_own_messages()
    {
        await using var fixture = await WebexFixture.StartAsync();
        Assert.Contains(
            $"there is no file {fixture.ConfigFile}", Assert.Single(fixture.Plan(("WEBEX_APP_ID", "A")).Problems), StringComparison.Ordinal);
        Assert.EndsWith(
            $"there is no file {fixture.ConfigFile}; create it, or correct the path; it must contain "
            + "serviceApp.appId, serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId",
            Assert.Single(fixture.Plan().Problems), StringComparison.Ordinal);

        fixture.DirectoryPath.Write("token-config.json", "{\n\"serviceApp\": }");
        Assert.Contains(
            "token-config.json is not JSON (line 2); fix it; it must contain serviceApp.appId, ", Assert.Single(fixture.Plan().Problems),
            StringComparison.Ordinal);

        fixture.DirectoryPath.Write("token-config.json", "{}");
        Assert.Contains(
            "has no section serviceApp; add serviceApp.appId, serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId",
            Assert.Single(fixture.Plan().Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_placeholders_of_the_template_are_no_values()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.DirectoryPath.Write("token-config.json", """
            {
              "serviceApp": {
                "appId": "your_service_app_id", "clientId": "C1", "clientSecret": "<client secret>", "targetOrgId": "Y2lz…"
              },
              "tokenManager": {
                "personalAccessToken": "your_personal_access_token_or_integration_token",
                "integration": {"clientId": "your-id", "clientSecret": "your-secret", "refreshToken": "..."}
              }
            }
            """);

        Assert.EndsWith(
            $"{fixture.ConfigFile} still contains the placeholders of its template; write your values into "
            + "serviceApp.appId, serviceApp.clientSecret, serviceApp.targetOrgId", Assert.Single(fixture.Plan().Problems), StringComparison.Ordinal);
        var token = new Exporter.Webex.TokenConfigFormat().Read(File.ReadAllBytes(fixture.ConfigFile));
        Assert.Equal((null, null, "{}"), (token.AccessToken, token.RefreshToken, token.Members.ToString()));
    }

    [Fact]
    public async Task A_setting_replaces_a_field_of_the_file()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.DirectoryPath.Write("token-config.json", """{"serviceApp":{"appId":"A","targetOrgId":"O"}}""");

        Assert.Empty(fixture.Plan(("WEBEX_CLIENT_ID", "C"), ("WEBEX_CLIENT_SECRET", "S")).Problems);
    }

    [Fact]
    public async Task The_file_in_the_working_directory_creates_the_account()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var (accounts, problems) =
            Configured.Of(new Exporter.Webex.WebexSource(), null, new Dictionary<string, string>(), fixture.Configure().DirectoryPath);

        Assert.Empty(problems);
        Assert.Equal("webex", Assert.Single(accounts).Name);
    }

    [Theory]
    [InlineData(
        """{"integration":{"clientId":"I","refreshToken":"R"},"personalAccessToken":"P"}""",
        "is missing tokenManager.integration.clientSecret: the integration is not used")]
    [InlineData("""{"oauthClientId":"I","oauthClientSecret":"S"}""", "is missing tokenManager.oauthRefreshToken: the integration is not used")]
    [InlineData("{}", "is missing tokenManager.personalAccessToken")]
    public async Task An_incomplete_level_is_a_warning(string manager, string warning)
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.DirectoryPath.Write(
            "token-config.json", $$"""{"serviceApp":{{fixture.ServiceAppSection().ToJsonString()}},"tokenManager":{{manager}}}""");
        fixture.WriteEnv(fixture.Provider.LoginServiceApp());

        await fixture.OpenAsync();

        Assert.Contains(fixture.Log.All, line => line.Contains(warning, StringComparison.Ordinal));
        Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task An_incomplete_integration_in_the_settings_is_a_problem()
    {
        await using var fixture = await WebexFixture.StartAsync();

        Assert.Contains(
            "set both, or neither", Assert.Single(fixture.Configure().Plan(("WEBEX_INTEGRATION_CLIENT_ID", "I")).Problems), StringComparison.Ordinal);
    }
}

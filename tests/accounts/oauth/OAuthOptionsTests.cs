using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>The settings of an OAuth account, and the account that they make.</summary>
public sealed class OAuthOptionsTests : IDisposable
{
    private const string Client = "client_id: app";
    private const string Secret = "client_id: app\n    client_secret: s";
    private const string Endpoint = "token_endpoint: https://id.example/token";
    private const string Issuer = "issuer: https://id.example";

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData($"{Client}\n    {Endpoint}", OAuthGrant.RefreshToken, false)]
    [InlineData($"{Client}\n    {Endpoint}\n    {Issuer}", OAuthGrant.RefreshToken, false)]
    [InlineData($"{Client}\n    {Issuer}", OAuthGrant.AuthorizationCode, true)]
    [InlineData($"{Client}\n    {Issuer}\n    grant: device_code", OAuthGrant.DeviceCode, true)]
    [InlineData($"{Client}\n    {Issuer}\n    {Endpoint}\n    grant: device_code", OAuthGrant.DeviceCode, true)]
    [InlineData($"{Secret}\n    {Issuer}\n    grant: client_credentials", OAuthGrant.ClientCredentials, true)]
    [InlineData($"{Secret}\n    {Issuer}\n    {Endpoint}\n    grant: client_credentials", OAuthGrant.ClientCredentials, false)]
    [InlineData($"{Client}\n    {Endpoint}\n    authorization_endpoint: https://id.example/a", OAuthGrant.AuthorizationCode, false)]
    [InlineData($"{Client}\n    {Endpoint}\n    device_authorization_endpoint: https://id.example/d", OAuthGrant.DeviceCode, false)]
    public void The_grant_follows_from_the_endpoints_unless_it_is_set(string yaml, OAuthGrant grant, bool needsMetadata)
    {
        var configuration = Load(yaml);
        var options = OAuthOptions.Read(configuration.Accounts.Single().Section);

        Assert.Empty(configuration.Problems);
        Assert.Equal((grant, needsMetadata), (options.Grant, options.NeedsMetadata));
    }

    [Theory]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: client_credentials",
        "exporter.yml:7: accounts.a.grant: is client_credentials, which needs a client secret; set client_secret")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: authorization_code",
        "exporter.yml:7: accounts.a.grant: needs authorization_endpoint; set it, or set issuer so that the exporter finds it")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: device_code",
        "exporter.yml:7: accounts.a.grant: needs device_authorization_endpoint; set it, or set issuer so that the exporter finds it")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: clientcredentials",
        "exporter.yml:7: accounts.a.grant: there is no choice \"clientcredentials\"; did you mean client_credentials?")]
    [InlineData($"{Client}\n    issuer: id.example",
        "exporter.yml:6: accounts.a.issuer: is not a URL where the server's metadata can be; write https:// and the host, without ? and #, "
        + "or set the endpoints")]
    [InlineData($"{Client}\n    issuer: https://id.example?tenant=a",
        "exporter.yml:6: accounts.a.issuer: is not a URL where the server's metadata can be; write https:// and the host, without ? and #, "
        + "or set the endpoints")]
    [InlineData($"{Client}\n    {Endpoint}\n    username: ann",
        "exporter.yml:7: accounts.a.username: is only for grant: password; set that grant, or remove this")]
    [InlineData($"{Client}\n    {Endpoint}\n    password: t0ps3cret",
        "exporter.yml:7: accounts.a.password: is only for grant: password; set that grant, or remove this")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: password\n    password: t0ps3cret",
        "exporter.yml:2: accounts.a: need an username; set username or EXPORTER_ACCOUNTS__A__USERNAME")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: password\n    username: ann",
        "exporter.yml:2: accounts.a: need a password; set password or password_file or EXPORTER_ACCOUNTS__A__PASSWORD")]
    [InlineData($"{Client}\n    {Endpoint}\n    scope_separator: comma",
        "exporter.yml:7: accounts.a.scope_separator: must be one character that is no letter and no digit, for example \",\"")]
    [InlineData($"{Client}\n    {Endpoint}\n    token_at: body.",
        "exporter.yml:7: accounts.a.token_at: has an empty name; write the members' names with one dot between them, for example body.token")]
    [InlineData($"{Client}\n    {Endpoint}\n    token_parameters: {{Grant_Type: t0ps3cret}}",
        "exporter.yml:7: accounts.a.token_parameters.Grant_Type: this parameter is one of OAuth itself and has a setting of its own, or none; "
        + "remove it")]
    [InlineData($"{Client}\n    {Endpoint}\n    authorize_parameters:\n      prompt: consent\n      state: t0ps3cret",
        "exporter.yml:9: accounts.a.authorize_parameters.state: this parameter is one of OAuth itself and has a setting of its own, or none; "
        + "remove it")]
    public void A_mistake_is_one_sentence_with_the_fix(string yaml, string problem)
    {
        var configuration = Load(yaml);
        OAuthOptions.Read(configuration.Accounts.Single().Section);

        Assert.Equal([problem], configuration.Problems.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("grant_type")]
    [InlineData("client_id")]
    [InlineData("client_secret")]
    [InlineData("code")]
    [InlineData("code_verifier")]
    [InlineData("redirect_uri")]
    [InlineData("state")]
    [InlineData("refresh_token")]
    [InlineData("response_type")]
    [InlineData("scope")]
    [InlineData("code_challenge")]
    [InlineData("code_challenge_method")]
    [InlineData("username")]
    [InlineData("password")]
    [InlineData("device_code")]
    public void A_parameter_of_OAuth_itself_cannot_be_replaced_from_the_environment(string name)
    {
        var variable = $"EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__{name.ToUpperInvariant()}";
        var configuration = Load($"{Client}\n    {Endpoint}", new() { [variable] = "x" });
        OAuthOptions.Read(configuration.Accounts.Single().Section);

        Assert.Equal(
            [$"{variable}: token_parameters.{name}: this parameter is one of OAuth itself and has a setting of its own, or none; remove it"],
            configuration.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void The_grant_password_is_a_warning()
    {
        var configuration = Load($"{Client}\n    {Endpoint}\n    grant: password\n    username: ann\n    password: '  s  '");
        var options = OAuthOptions.Read(configuration.Accounts.Single().Section);

        Assert.Empty(configuration.Problems);
        Assert.Equal("  s  ", options.Credentials?.Password.Reveal());
        Assert.Equal(
            ["exporter.yml:7: accounts.a.grant: the exporter sends the user's password, and OAuth 2.1 removes this grant; "
                + "use another grant if the server has one"],
            configuration.Warnings.Select(warning => warning.ToString()));
    }

    [Theory]
    [InlineData($"{Secret}\n    {Endpoint}\n    grant: client_credentials", "The exporter logs in with the client ID and the client secret.")]
    [InlineData($"{Client}\n    {Endpoint}\n    grant: password\n    username: ann\n    password: s",
        "The exporter logs in with the configured user name and password.")]
    [InlineData($"{Client}\n    {Endpoint}", null)]
    public async Task An_account_without_a_user_explains_its_login_and_takes_no_pasted_token(string yaml, string? explanation)
    {
        var section = Load(yaml).Accounts.Single().Section;
        var context = Opened.Context("a", new ManualTime());

        var account = OAuthAccount.Open(OAuthOptions.Read(section), context);
        using var manager = account.TokenManager;

        Assert.Equal(explanation, Assert.IsType<LoginMethod.Unattended>(account.Login).Explanation);
        Assert.Equal("id.example", account.Provider);
        Assert.Null(account.Revoke);
        if (explanation is not null)
        {
            var refused = await account.Paste.TryAsync(new Secret("t"), _ => Task.FromResult(true), TestContext.Current.CancellationToken);
            Assert.EndsWith("; a pasted token is of no use", Assert.IsType<Renewal.InvalidClient>(refused).Reason, StringComparison.Ordinal);
        }
    }

    private Configuration Load(string yaml, Dictionary<string, string>? environment = null)
    {
        directory.Write("exporter.yml", $"accounts:\n  a:\n    source: oauth2\n    token_file: t.json\n    {yaml}\n");
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = ["exporter.yml"] };
        return Configuration.Load([], [new SourceSettings("oauth2", OAuthSettings.All)], flags, environment ?? [], directory.Path);
    }
}

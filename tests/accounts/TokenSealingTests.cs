using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.OAuth2;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>The setting of an account that encrypts its token file.</summary>
public sealed class TokenSealingTests : IDisposable
{
    private static readonly string Key = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Other = Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray());

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task The_token_file_is_encrypted_and_the_export_file_is_plain()
    {
        directory.Write("keys", $"a {Key}\n");
        await using var manager = Open("token_key_file: keys", "sink_file: app.env");

        await manager.AdoptAsync(Token, Cancellation);

        Assert.StartsWith("oauth-exporter-sealed:v1:", directory.Read("token.json"), StringComparison.Ordinal);
        Assert.Equal("ACCESS_TOKEN=access-0\n", directory.Read("app.env"));
        await using var next = Open("token_key_file: keys");
        await next.LoadAsync(Cancellation);
        Assert.Equal("refresh-0", next.Snapshot.State.Token!.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task Without_the_setting_the_encrypted_file_is_unreadable_and_stays()
    {
        directory.Write("keys", $"a {Key}\n");
        await using (var manager = Open("token_key_file: keys"))
        {
            await manager.AdoptAsync(Token, Cancellation);
        }
        var content = directory.Read("token.json");
        await using var plain = Open();

        await plain.LoadAsync(Cancellation);

        Assert.Equal(
            "it is sealed with the key a; set token_key_file to the file with that key, or move the file away and log in again",
            plain.Snapshot.Unreadable);
        Assert.Equal(content, directory.Read("token.json"));
    }

    [Theory]
    [InlineData(null, "there is no file DIR/keys; create it, or correct the path")]
    [InlineData("a AAAA", "line 1 of the key file DIR/keys has a key of 3 bytes instead of 32; make a key with: openssl rand -base64 32")]
    [InlineData("", "the key file DIR/keys contains no key; make a key with: openssl rand -base64 32")]
    public void A_wrong_key_file_is_a_problem(string? content, string problem)
    {
        if (content is not null)
        {
            directory.Write("keys", content);
        }

        var found = Assert.Single(Configure(new OAuth2Source(), OAuth2("token_key_file: keys")).Problems);

        Assert.EndsWith($"token_key_file: {problem.Replace("DIR", directory.Path, StringComparison.Ordinal)}", found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_other_programs_read_cannot_be_encrypted()
    {
        directory.Write("keys", Key);

        Assert.Contains(
            "accounts.one.token_key_file: other programs read the token file of this source, so it cannot be encrypted; remove the setting",
            Configure(new WebexSource(), "accounts: {one: {source: webex, token_key_file: keys}}\n").Problems.Select(WithoutPlace));
    }

    [Fact]
    public void A_token_directory_cannot_be_encrypted()
    {
        directory.Write("keys", Key);
        const string Ergani = "accounts: {one: {source: ergani, environment: test, username: u, password: p, token_key_file: keys";

        Assert.Equal(
            ["accounts.one.token_key_file: only a token file can be encrypted; set token_file, or remove this setting"],
            Configure(new ErganiSource(), $"{Ergani}}}}}\n").Problems.Select(WithoutPlace));
        Assert.Empty(Configure(new ErganiSource(), $"{Ergani}, token_file: t.json}}}}\n").Problems);
    }

    [Fact]
    public void Other_keys_make_the_account_another_one()
    {
        directory.Write("keys", $"a {Key}\n");
        var (before, same) = (Single("token_key_file: keys"), Single("token_key_file: keys"));
        directory.Write("keys", $"b {Other}\na {Key}\n");
        var after = Single("token_key_file: keys");

        Assert.Equal((true, false), (before.IsEqualTo(same), before.IsEqualTo(after)));
    }

    [Fact]
    [Trait("Suite", "slow")]
    public async Task A_credential_of_systemd_is_the_default()
    {
        directory.Write("token-key", $"a {Key}\n");
        await using (var manager = Open("token_key_file: token-key"))
        {
            await manager.AdoptAsync(Token with { ExpiresAt = new DateTimeOffset(2199, 1, 1, 0, 0, 0, TimeSpan.Zero) }, Cancellation);
        }
        var yaml = directory.Write("exporter.yml", OAuth2());

        var (withKey, output, _) = await RunAsync(directory.Path, "token", "one", "--config", yaml);
        Assert.Equal((0, "access-0\n"), (withKey, output));
        var (without, _, error) = await RunAsync("", "token", "one", "--config", yaml);
        Assert.Equal(ExitCode.TryLater, without);
        Assert.Contains("it is sealed with the key a; set token_key_file to the file with that key", error, StringComparison.Ordinal);
        File.SetUnixFileMode(directory["token-key"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains(
            $"accounts.one: the key file {directory["token-key"]} is open to every user (mode 0404)",
            (await RunAsync(directory.Path, "check", "--config", yaml)).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Suite", "slow")]
    public async Task Commands_say_that_a_token_is_in_a_shared_store()
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var store = new FileStore(directory["token.json"], [new PlainTokenFormat()], time);
        await store.MarkAsync(new StoreMarker("postgres://db/tokens", "one", new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero)), Cancellation);
        var yaml = directory.Write("exporter.yml", OAuth2());
        const string Reason = "its token is in the shared store postgres://db/tokens since 2026-11-20 10:00:00Z; use it there, or give it back with: "
            + "oauth-exporter-cluster store export one";

        foreach (var command in new[] { "status", "token", "refresh" })
        {
            var (exitCode, output, error) = await RunAsync("", command, "--config", yaml);
            Assert.Equal(ExitCode.TryLater, exitCode);
            Assert.Contains($"cannot be read: {Reason}", output + error, StringComparison.Ordinal);
        }
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string credentials, params string[] arguments)
    {
        var (exitCode, output, error) = await Peer.Run(
            "env", [$"CREDENTIALS_DIRECTORY={credentials}", RunningExporter.Binary, .. arguments], default, Cancellation);
        return (exitCode, System.Text.Encoding.UTF8.GetString(output), error);
    }

    private Token Token => new() { AccessToken = new("access-0"), RefreshToken = new("refresh-0"), ExpiresAt = time.GetUtcNow().AddHours(1) };

    private static string OAuth2(params string[] lines) => $"""
        accounts:
          one:
            source: oauth2
            client_id: c
            token_endpoint: http://127.0.0.1:9/token
            token_file: token.json
            {string.Join("\n    ", lines)}

        """;

    private static string WithoutPlace(string problem) => problem[(problem.IndexOf(": ", StringComparison.Ordinal) + 2)..];

    private (IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems) Configure(ISource source, string yaml) =>
        Support.Configured.Of(source, yaml, new Dictionary<string, string>(), directory);

    private ConfiguredAccount Single(params string[] lines)
    {
        var (accounts, problems) = Configure(new OAuth2Source(), OAuth2(lines));
        Assert.Empty(problems);
        return accounts.Single();
    }

    private TokenManager Open(params string[] lines) => Single(lines).Open(new TokenManagerOptions(), time, log).TokenManager;
}

using System.Text;
using Exporter.Accounts;
using Exporter.OAuth2;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Exports of a token to the file of another program.</summary>
public sealed class TokenExportTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Each_new_token_is_exported_to_a_dotenv_file()
    {
        directory.Write("app.env", "# mine\nAPI_TOKEN=\"old\" # here\nB=2\n");
        await using var manager = Open("sink_file: app.env", "sink_name: API_TOKEN");

        await manager.AdoptAsync(Token("first"), Cancellation);
        Assert.Equal("# mine\nAPI_TOKEN=\"first\" # here\nB=2\n", directory.Read("app.env"));
        await manager.AdoptAsync(Token("second"), Cancellation);

        Assert.Equal("# mine\nAPI_TOKEN=\"second\" # here\nB=2\n", directory.Read("app.env"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["app.env"]));
        Assert.Contains("second", directory.Read("token.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dotted_name_is_a_member_of_a_nested_object_and_other_members_are_kept()
    {
        directory.Write("app.json", """{"api":{"url":"u"},"x":1}""");
        await using var manager = Open("sink_file: app.json", "sink_name: api.token");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("""{"api":{"url":"u","token":"first"},"x":1}""", directory.Read("app.json"));
    }

    [Fact]
    public async Task A_missing_sink_is_created()
    {
        await using var manager = Open("sink_file: app.env");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("ACCESS_TOKEN=first\n", directory.Read("app.env"));
    }

    [Fact]
    public async Task The_stored_token_is_exported_at_the_start_and_the_sink_is_never_read()
    {
        directory.Write("token.json", """{"access_token":"kept","expiry":"2027-01-01T00:00:00Z"}""");
        directory.Write("app.env", "ACCESS_TOKEN=foreign\n");
        await using var manager = Open("sink_file: app.env");

        await manager.LoadAsync(Cancellation);

        Assert.Equal("kept", manager.Snapshot.State.Token!.AccessToken!.Reveal());
        Assert.Equal("ACCESS_TOKEN=kept\n", directory.Read("app.env"));
    }

    [Fact]
    public async Task A_sink_that_fails_is_logged_once_and_retried()
    {
        directory.Write("app.json", "this is no JSON");
        await using var manager = Open("sink_file: app.json");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.IsType<TokenState.Active>(manager.Snapshot.State);
        Assert.Null(manager.Snapshot.Unpersisted);
        Assert.Contains("first", directory.Read("token.json"), StringComparison.Ordinal);
        Assert.Equal("this is no JSON", directory.Read("app.json"));
        Assert.Equal(1, log.Count("could not be written to the sink"));

        File.Delete(directory["app.json"]);
        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);
        Assert.Contains("\"access_token\":\"first\"", directory.Read("app.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sink_in_UTF_16_stays_unchanged()
    {
        var content = Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("B=2\r\n")).ToArray();
        await File.WriteAllBytesAsync(directory["app.env"], content, Cancellation);
        await using var manager = Open("sink_file: app.env");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal(content, await File.ReadAllBytesAsync(directory["app.env"], Cancellation));
        Assert.Equal(1, log.Count("it is UTF-16; save it as UTF-8"));
    }

    [Fact]
    public async Task An_overwritten_token_is_exported_again()
    {
        await using var manager = Open("sink_file: app.env");
        await manager.AdoptAsync(Token("first"), Cancellation);
        directory.Write("app.env", "B=2\n");

        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);

        Assert.Equal("B=2\nACCESS_TOKEN=first\n", directory.Read("app.env"));
    }

    /// <summary>Uses real threads, because another write can happen between the read and the replacement of a file.</summary>
    [Fact]
    public async Task Accounts_that_share_a_sink_keep_each_others_tokens()
    {
        File.CreateSymbolicLink(directory["link.env"], directory["app.env"]);
        TokenExport[] exports =
        [
            new(directory["app.env"], TokenExportFormat.Env, "TOKEN_0"),
            new(directory["link.env"], TokenExportFormat.Env, "TOKEN_1"),
        ];
        for (var round = 0; round < 200; round++)
        {
            var token = new Secret($"t{round}");
            var errors = string.Concat(await Task.WhenAll(exports.Select(export => Task.Run(() => export.Write(token), Cancellation))));
            Assert.True(errors.Length == 0, errors);

            Assert.Equal([$"TOKEN_0=t{round}", $"TOKEN_1=t{round}"], directory.Read("app.env").TrimEnd().Split('\n').Order());
        }
    }

    [Fact]
    public async Task A_logout_empties_the_exported_variable()
    {
        await using var manager = Open("sink_file: app.env");
        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Null((await manager.ForgetAsync(Cancellation)).Failure);

        Assert.Equal("ACCESS_TOKEN=\n", directory.Read("app.env"));
    }

    [Theory]
    [InlineData("sink_name: TOKEN", "this needs a sink_file")]
    [InlineData("sink_file: token.json", "this is also the account's token file")]
    [InlineData("sink_file: a.env\n    sink_name: 1 2", "this is not a variable name")]
    [InlineData("sink_file: a.env\n    sink_format: yaml", "there is no choice")]
    public void Conflicting_settings_are_a_problem(string lines, string problem) =>
        Assert.Contains(problem, Assert.Single(Configure(lines).Problems), StringComparison.Ordinal);

    private (IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems) Configure(params string[] lines) => Support.Configured.Of(
        new OAuth2Source(),
        $"""
            accounts:
              one:
                source: oauth2
                client_id: c
                token_endpoint: http://127.0.0.1:9/token
                token_file: token.json
                {string.Join("\n    ", lines)}

            """,
        new Dictionary<string, string>(),
        directory);

    private TokenManager Open(params string[] lines)
    {
        var (accounts, problems) = Configure(lines);
        Assert.Empty(problems);
        return accounts.Single().Open(new TokenManagerOptions(), time, log).TokenManager;
    }

    private Token Token(string access) =>
        new() { AccessToken = new Secret(access), RefreshToken = new Secret("refresh"), ExpiresAt = time.GetUtcNow().AddHours(1) };
}

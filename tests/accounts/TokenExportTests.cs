using Exporter.OAuth2;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>A token that is given to another program's file, whatever the account's source.</summary>
public sealed class TokenExportTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_dotenv_of_another_program_gets_each_new_token_after_the_store()
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
    public async Task A_JSON_file_keeps_its_other_members_and_a_dotted_name_leads_into_it()
    {
        directory.Write("app.json", """{"api":{"url":"u"},"x":1}""");
        await using var manager = Open("sink_file: app.json", "sink_name: api.token");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("""{"api":{"url":"u","token":"first"},"x":1}""", directory.Read("app.json"));
    }

    [Fact]
    public async Task A_sink_that_is_not_there_yet_is_made()
    {
        await using var manager = Open("sink_file: app.env");

        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("ACCESS_TOKEN=first\n", directory.Read("app.env"));
    }

    [Fact]
    public async Task A_sink_is_filled_at_the_start_from_the_store_and_never_read()
    {
        directory.Write("token.json", """{"access_token":"kept","expiry":"2027-01-01T00:00:00Z"}""");
        directory.Write("app.env", "ACCESS_TOKEN=somebody-elses\n");
        await using var manager = Open("sink_file: app.env");

        await manager.LoadAsync(Cancellation);

        Assert.Equal("kept", manager.Snapshot.State.Token!.AccessToken!.Reveal());
        Assert.Equal("ACCESS_TOKEN=kept\n", directory.Read("app.env"));
    }

    [Fact]
    public async Task A_sink_that_fails_is_said_once_hurts_nothing_and_is_tried_again()
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
    public async Task A_token_that_another_program_wrote_over_is_given_again_at_the_next_look()
    {
        await using var manager = Open("sink_file: app.env");
        await manager.AdoptAsync(Token("first"), Cancellation);
        directory.Write("app.env", "B=2\n");

        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);

        Assert.Equal("B=2\nACCESS_TOKEN=first\n", directory.Read("app.env"));
    }

    /// <summary>Real threads: what is between reading a file and replacing it is the file system's.</summary>
    [Fact]
    public async Task Accounts_that_share_a_sink_leave_each_others_tokens_in_it()
    {
        File.CreateSymbolicLink(directory["link.env"], directory["app.env"]);
        var sinks = new[] { "app.env", "link.env" }.Select((name, at) => new TokenExport(directory[name], TokenExportFormat.Env, $"TOKEN_{at}")).ToList();
        for (var round = 0; round < 200; round++)
        {
            var token = new Secret($"t{round}");
            var complaints = string.Concat(await Task.WhenAll(sinks.Select(sink => Task.Run(() => sink.Write(token), Cancellation))));
            Assert.True(complaints.Length == 0, complaints);

            Assert.Equal([$"TOKEN_0=t{round}", $"TOKEN_1=t{round}"], directory.Read("app.env").TrimEnd().Split('\n').Order());
        }
    }

    [Fact]
    public async Task A_logout_empties_it()
    {
        await using var manager = Open("sink_file: app.env");
        await manager.AdoptAsync(Token("first"), Cancellation);

        Assert.Null(await manager.ForgetAsync(Cancellation));

        Assert.Equal("ACCESS_TOKEN=\n", directory.Read("app.env"));
    }

    [Theory]
    [InlineData("sink_name: TOKEN", "there is no sink_file")]
    [InlineData("sink_file: token.json", "is the account's token file as well")]
    [InlineData("sink_file: a.env\n    sink_name: 1 2", "no name of a variable")]
    [InlineData("sink_file: a.env\n    sink_format: yaml", "there is no choice")]
    public void What_makes_no_sense_is_a_problem(string lines, string problem) =>
        Assert.Contains(problem, Assert.Single(Plan(lines).Problems), StringComparison.Ordinal);

    private (IReadOnlyList<PlannedAccount> Accounts, IReadOnlyList<string> Problems) Plan(params string[] lines) => Support.Configured.Of(
        new OAuth2Source(),
        $"accounts:\n  one:\n    source: oauth2\n    client_id: c\n    token_endpoint: http://127.0.0.1:9/token\n    token_file: token.json\n    {string.Join("\n    ", lines)}\n",
        new Dictionary<string, string>(),
        directory);

    private TokenManager Open(params string[] lines)
    {
        var (accounts, problems) = Plan(lines);
        Assert.Empty(problems);
        return accounts.Single().Open(new TokenManagerOptions(), time, log).TokenManager;
    }

    private Token Token(string access) => new() { AccessToken = new Secret(access), RefreshToken = new Secret("refresh"), ExpiresAt = time.GetUtcNow().AddHours(1) };
}

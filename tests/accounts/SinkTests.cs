using Exporter.OAuth2;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>A token that is given to another program's file, whatever the account's source.</summary>
public sealed class SinkTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_dotenv_of_another_program_gets_each_new_token_after_the_store()
    {
        folder.Write("app.env", "# mine\nAPI_TOKEN=\"old\" # here\nB=2\n");
        await using var keeper = Open("sink_file: app.env", "sink_name: API_TOKEN");

        await keeper.AdoptAsync(Token("first"), Cancellation);
        Assert.Equal("# mine\nAPI_TOKEN=\"first\" # here\nB=2\n", folder.Read("app.env"));
        await keeper.AdoptAsync(Token("second"), Cancellation);

        Assert.Equal("# mine\nAPI_TOKEN=\"second\" # here\nB=2\n", folder.Read("app.env"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["app.env"]));
        Assert.Contains("second", folder.Read("token.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_JSON_file_keeps_its_other_members_and_a_dotted_name_leads_into_it()
    {
        folder.Write("app.json", """{"api":{"url":"u"},"x":1}""");
        await using var keeper = Open("sink_file: app.json", "sink_name: api.token");

        await keeper.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("""{"api":{"url":"u","token":"first"},"x":1}""", folder.Read("app.json"));
    }

    [Fact]
    public async Task A_sink_that_is_not_there_yet_is_made()
    {
        await using var keeper = Open("sink_file: app.env");

        await keeper.AdoptAsync(Token("first"), Cancellation);

        Assert.Equal("ACCESS_TOKEN=first\n", folder.Read("app.env"));
    }

    [Fact]
    public async Task A_sink_is_filled_at_the_start_from_the_store_and_never_read()
    {
        folder.Write("token.json", """{"access_token":"kept","expiry":"2027-01-01T00:00:00Z"}""");
        folder.Write("app.env", "ACCESS_TOKEN=somebody-elses\n");
        await using var keeper = Open("sink_file: app.env");

        await keeper.LoadAsync(Cancellation);

        Assert.Equal("kept", keeper.Snapshot.State.Token!.AccessToken!.Reveal());
        Assert.Equal("ACCESS_TOKEN=kept\n", folder.Read("app.env"));
    }

    [Fact]
    public async Task A_sink_that_fails_is_said_once_hurts_nothing_and_is_tried_again()
    {
        folder.Write("app.json", "this is no JSON");
        await using var keeper = Open("sink_file: app.json");

        await keeper.AdoptAsync(Token("first"), Cancellation);

        Assert.IsType<TokenState.Active>(keeper.Snapshot.State);
        Assert.Null(keeper.Snapshot.Unpersisted);
        Assert.Contains("first", folder.Read("token.json"), StringComparison.Ordinal);
        Assert.Equal("this is no JSON", folder.Read("app.json"));
        Assert.Equal(1, log.Count("could not be written to the sink"));

        File.Delete(folder["app.json"]);
        time.Advance(TimeSpan.FromMinutes(2));
        await keeper.VisitAsync(Cancellation);
        Assert.Contains("\"access_token\":\"first\"", folder.Read("app.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_another_program_wrote_over_is_given_again_at_the_next_look()
    {
        await using var keeper = Open("sink_file: app.env");
        await keeper.AdoptAsync(Token("first"), Cancellation);
        folder.Write("app.env", "B=2\n");

        time.Advance(TimeSpan.FromMinutes(2));
        await keeper.VisitAsync(Cancellation);

        Assert.Equal("B=2\nACCESS_TOKEN=first\n", folder.Read("app.env"));
    }

    /// <summary>Real threads: what is between reading a file and replacing it is the file system's.</summary>
    [Fact]
    public async Task Accounts_that_share_a_sink_leave_each_others_tokens_in_it()
    {
        File.CreateSymbolicLink(folder["link.env"], folder["app.env"]);
        var sinks = new[] { "app.env", "link.env" }.Select((name, at) => new Sink(folder[name], SinkFormat.Env, $"TOKEN_{at}")).ToList();
        for (var round = 0; round < 200; round++)
        {
            var token = new Secret($"t{round}");
            var complaints = string.Concat(await Task.WhenAll(sinks.Select(sink => Task.Run(() => sink.Write(token), Cancellation))));
            Assert.True(complaints.Length == 0, complaints);

            Assert.Equal([$"TOKEN_0=t{round}", $"TOKEN_1=t{round}"], folder.Read("app.env").TrimEnd().Split('\n').Order());
        }
    }

    [Fact]
    public async Task A_logout_empties_it()
    {
        await using var keeper = Open("sink_file: app.env");
        await keeper.AdoptAsync(Token("first"), Cancellation);

        Assert.Null(await keeper.ForgetAsync(Cancellation));

        Assert.Equal("ACCESS_TOKEN=\n", folder.Read("app.env"));
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
        folder);

    private Keeper Open(params string[] lines)
    {
        var (accounts, problems) = Plan(lines);
        Assert.Empty(problems);
        return accounts.Single().Open(new KeeperOptions(), time, log).Keeper;
    }

    private Token Token(string access) => new() { AccessToken = new Secret(access), RefreshToken = new Secret("refresh"), ExpiresAt = time.GetUtcNow().AddHours(1) };
}

using Exporter.Ergani;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The source in the real program, with the stand-in.</summary>
[Trait("Suite", "slow")]
public sealed class ErganiSourceTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string TokenDirectory => directory["tokens"];

    public async ValueTask InitializeAsync() => sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task The_program_logs_in_reads_counts_and_warns_about_the_test_environment()
    {
        await using var exporter = await StartAsync(sandbox.Ergani.Password, "--ergani-counts", "submissions,services,employer,branches,workforce");
        var page = await exporter.Shows("exporter_up{source=\"ergani\"} 1\n", Cancellation);

        foreach (var line in new[]
        {
            "exporter_up{source=\"ergani\"} 1",
            "exporter_token_state{source=\"ergani\",state=\"active\"} 1",
            "ergani_available_submissions 3",
            "ergani_available_services 3",
            "ergani_employer_in_card_sector 1",
            "ergani_branches 2",
            "ergani_workforce_employees{branch=\"0\"} 2",
            "ergani_workforce_employees{branch=\"1\"} 1",
            "ergani_api_requests_total{code=\"200\",operation=\"login\"} 1",
            "ergani_api_requests_total{code=\"200\",operation=\"execute_service\"} 3",
        })
        {
            Assert.Contains($"{line}\n", page);
        }
        Assert.Empty(await Promtool.Check(page, Cancellation));
        Assert.Contains("level=warning msg=\"account ergani: this is Ergani's TEST environment", exporter.Log);
        Assert.DoesNotContain(sandbox.Ergani.Password, exporter.Log + page);
        Assert.DoesNotContain("level=error", exporter.Log);
    }

    [Fact]
    public async Task A_restarted_program_does_not_log_in_again()
    {
        for (var start = 0; start < 3; start++)
        {
            await using var exporter = await StartAsync(sandbox.Ergani.Password);
            await exporter.Says("reading succeeded", Cancellation);
            await exporter.KillAsync(Cancellation);
        }

        Assert.Equal(1, sandbox.Ergani.LogIn.Requests);
    }

    [Fact]
    public async Task A_wrong_password_is_sent_once_and_a_correct_one_afterwards()
    {
        for (var start = 0; start < 2; start++)
        {
            await using var exporter = await StartAsync("wrong");
            await exporter.Says("there is no other login before that", Cancellation);
            await exporter.Shows("exporter_token_state{source=\"ergani\",state=\"refused\"} 1", Cancellation);
        }
        Assert.Equal(1, sandbox.Ergani.LogIn.Requests);

        File.Delete(Directory.GetFiles(TokenDirectory, "*.log-ins").Single());
        await using var corrected = await StartAsync(sandbox.Ergani.Password);
        await corrected.Says("reading succeeded", Cancellation);
    }

    [Fact]
    public async Task A_logout_between_two_starts_ends_at_the_second()
    {
        await using (var exporter = await StartAsync(sandbox.Ergani.Password))
        {
            await exporter.Says("reading succeeded", Cancellation);
            await exporter.KillAsync(Cancellation);
        }
        Assert.Equal((1, null), await new ErganiTokenDirectory(TokenDirectory, TimeProvider.System).ForgetAllAsync(Cancellation));
        File.Delete(Directory.GetFiles(TokenDirectory, "*.log-ins").Single());

        await using var again = await StartAsync(sandbox.Ergani.Password);
        await again.Says("reading succeeded", Cancellation);
        Assert.Equal(2, sandbox.Ergani.LogIn.Requests);
    }

    [Fact]
    public async Task An_expired_access_token_costs_one_refresh_and_no_reading()
    {
        await using (var exporter = await StartAsync(sandbox.Ergani.Password))
        {
            await exporter.Says("reading succeeded", Cancellation);
            await exporter.KillAsync(Cancellation);
        }
        sandbox.Ergani.Authorization.ExpireAccessTokens();

        await using var again = await StartAsync(sandbox.Ergani.Password);
        await again.Says("reading succeeded", Cancellation);

        Assert.Equal((1, 1), (sandbox.Ergani.LogIn.Requests, sandbox.Ergani.Refresh.Requests));
        Assert.Equal(3, sandbox.Ergani.Submissions.Requests);
    }

    [Fact]
    public async Task All_problems_are_reported_at_once()
    {
        var (code, _, error) = await RunningExporter.RunAsync(
            ["check", "--ergani-user-type", "04", "--ergani-environment", "prod", "--ergani-counts", "branches,workforse", "--ergani-in-memory",
                "--ergani-token-file", "/t", "--ergani-token-folder", "/f"],
            Cancellation);

        Assert.Equal(1, code);
        Assert.All(
            ["need an username", "need a password", "\"04\"", "\"prod\"", "did you mean workforce?", "remove one of the two"],
            problem => Assert.Contains(problem, error));
    }

    [Fact]
    public void The_token_is_stored_in_the_configured_place()
    {
        (string, string) program = ("EXPORTER_STATE_FOLDER", directory["state"]);

        Assert.Equal(directory["state/ergani"], LocationOf(program));
        Assert.Equal(directory["own"], LocationOf(program, ("ERGANI_TOKEN_FOLDER", directory["own"])));
        Assert.Equal(directory["token.json"], LocationOf(program, ("ERGANI_TOKEN_FILE", directory["token.json"])));
        Assert.Equal("memory", LocationOf(program, ("ERGANI_IN_MEMORY", "true")));
        // The default is the state directory, which no web server serves.
        Assert.EndsWith("exporter", StateDirectory.Default);
    }

    [Fact]
    public async Task A_refresh_token_pasted_without_access_token_is_rejected()
    {
        using var account = Open(("ERGANI_IN_MEMORY", "true"), ("ERGANI_API_URL", ErganiProvider.AddressAt(sandbox.Address).OriginalString));

        var outcome = await account.Paste.TryAsync(new Secret("anything"), _ => Task.FromResult(true), Cancellation);

        Assert.Contains("only together with its access token", Assert.IsType<Renewal.InvalidClient>(outcome).Reason, StringComparison.Ordinal);
        Assert.IsType<TokenState.Missing>(account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task A_logout_without_the_access_token_is_rejected_and_removes_nothing()
    {
        using var account = Open(("ERGANI_IN_MEMORY", "true"), ("ERGANI_API_URL", ErganiProvider.AddressAt(sandbox.Address).OriginalString));
        await account.TokenManager.AdoptAsync(new Token { RefreshToken = new Secret("alone") }, Cancellation);

        Assert.Contains("only with the access token", (await account.TokenManager.ForgetAsync(account.Revoke, Cancellation)).Failure, StringComparison.Ordinal);
        Assert.Equal("alone", account.TokenManager.Snapshot.State.Token?.RefreshToken?.Reveal());
    }

    private static string LocationOf(params (string Name, string Value)[] variables)
    {
        using var account = Open(variables);
        return account.TokenManager.StoreLocation;
    }

    private static Account Open(params (string Name, string Value)[] variables)
    {
        var environment =
            variables.Append(("ERGANI_USERNAME", "username")).Append(("ERGANI_PASSWORD", "password")).ToDictionary(v => v.Item1, v => v.Item2);
        ISource[] sources = [new ErganiSource()];
        var configuration = Configuration.Load(
            CommandLine.ProgramSettings, [.. sources.Select(s => s.Settings)], new Dictionary<Setting, IReadOnlyList<string>>(), environment, "/");
        var planned = Assert.Single(ConfiguredAccount.All(configuration, sources));
        Assert.Empty(configuration.Problems);
        return planned.Open(new TokenManagerOptions(), new ManualTime(), NullLoggerFactory.Instance);
    }

    private Task<RunningExporter> StartAsync(string password, params IEnumerable<string> more) => RunningExporter.StartAsync(
    [
        "--ergani-username", sandbox.Ergani.Username, "--ergani-password-file", directory.Write("password", password + "\n"), "--ergani-token-folder",
        TokenDirectory,
        "--ergani-api-url", ErganiProvider.AddressAt(sandbox.Address).OriginalString, "-a", "127.0.0.1:0", .. more,
    ], Cancellation);
}

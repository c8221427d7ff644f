using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token in a file that other programs use too.</summary>
public sealed class SharedFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private FileStore Env => new(directory[".env"], [new DotEnvTokenFormat()], time);

    private FileStore Config => new(directory["token-config.json"], [new TokenConfigFormat()], time);

    private Token Fresh => new() { AccessToken = new("access"), RefreshToken = new("refresh"), ExpiresAt = time.GetUtcNow().AddHours(1) };

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("OTHER=1\n")]
    public async Task A_shared_file_without_a_token_is_empty_and_stays(string content)
    {
        directory.Write(".env", content);
        var store = Env;

        Assert.IsType<ReadResult.Empty>(await store.ReadAsync(Cancellation));
        Assert.IsType<ReadResult.Empty>(await store.ReadAsync(Cancellation));

        Assert.Equal([".env"], directory.Names);
        Assert.IsType<WriteResult.Written>(await store.WriteAsync(Fresh, null, Cancellation));
        Assert.StartsWith(content, directory.Read(".env"), StringComparison.Ordinal);
        Assert.Equal("access", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.AccessToken!.Reveal());
    }

    [Fact]
    public async Task A_damaged_shared_file_is_reported_and_neither_set_aside_nor_overwritten()
    {
        directory.Write("token-config.json", "{ \"serviceApp\": ");
        var store = Config;

        var unreadable = Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
        Assert.StartsWith("it is not JSON (line 1); correct it", unreadable.Reason, StringComparison.Ordinal);
        var failed = Assert.IsType<WriteResult.Failed>(await store.WriteAsync(Fresh, null, Cancellation));
        Assert.StartsWith("it is not JSON", failed.Reason, StringComparison.Ordinal);
        Assert.IsType<WriteResult.Failed>(await store.LogOutAsync(Cancellation));

        Assert.Equal(["token-config.json"], directory.Names);
        Assert.Equal("{ \"serviceApp\": ", directory.Read("token-config.json"));
    }

    [Fact]
    public async Task Other_changes_to_a_shared_file_stay_and_do_not_change_the_token()
    {
        var grant = new FakeGrant(time);
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        using var manager = new TokenManager("app", grant, Env, options, time, log);
        await manager.AdoptAsync(Fresh, Cancellation);

        directory.Write(".env", "NEW=1\n" + directory.Read(".env"));
        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);
        Assert.Equal(0, manager.Snapshot.History.Adoptions);

        await manager.RenewAsync(null, Cancellation);
        Assert.Equal(0, manager.Snapshot.History.Adoptions);
        Assert.StartsWith("NEW=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=access-1\n", directory.Read(".env"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_another_program_writes_is_adopted()
    {
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        using var manager = new TokenManager("app", new FakeGrant(time), Env, options, time, log);
        await manager.AdoptAsync(Fresh, Cancellation);

        directory.Write(".env", directory.Read(".env").Replace("=access\n", "=theirs\n", StringComparison.Ordinal));
        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);

        Assert.Equal(1, manager.Snapshot.History.Adoptions);
    }

    [Fact]
    public async Task A_logout_empties_the_token_and_other_processes_detect_it()
    {
        directory.Write("token-config.json", """{"serviceApp":{"appId":"A"},"tokenManager":{"personalAccessToken":"P"}}""");
        var (ours, theirs) = (Config, Config);
        await theirs.ReadAsync(Cancellation);

        Assert.IsType<WriteResult.Written>(await ours.LogOutAsync(Cancellation));

        Assert.Equal("""{"serviceApp":{"appId":"A"},"tokenManager":{}}""", directory.Read("token-config.json"));
        Assert.IsType<ReadResult.LoggedOut>(await theirs.ReadAsync(Cancellation));
        Assert.IsType<WriteResult.LoggedOut>(await theirs.WriteAsync(Fresh, "anything", Cancellation));
        Assert.IsType<WriteResult.Written>(await theirs.WriteAsync(Fresh, null, Cancellation));
        Assert.Equal(["token-config.json"], directory.Names);
    }

    [Fact]
    public async Task An_unfinished_write_in_place_is_restored_from_its_backup()
    {
        directory.Write(".env", "OTHER=1\nWEBEX_SERVICE_APP_ACC");
        directory.Write("..env.backup", "OTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=whole\n");
        var store = Env;

        Assert.Equal("whole", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.AccessToken!.Reveal());
    }
}

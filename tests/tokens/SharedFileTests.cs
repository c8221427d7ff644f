using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token in a file that is for other things as well, which stay.</summary>
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
    public async Task Without_a_token_it_is_empty_and_stays_where_it_is(string content)
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
    public async Task What_is_damaged_is_said_and_neither_set_aside_nor_written_over()
    {
        directory.Write("token-config.json", "{ \"serviceApp\": ");
        var store = Config;

        Assert.StartsWith("it is not JSON (line 1); correct it", Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation)).Reason, StringComparison.Ordinal);
        Assert.StartsWith("it is not JSON", Assert.IsType<WriteResult.Failed>(await store.WriteAsync(Fresh, null, Cancellation)).Reason, StringComparison.Ordinal);
        Assert.IsType<WriteResult.Failed>(await store.LogOutAsync(Cancellation));

        Assert.Equal(["token-config.json"], directory.Names);
        Assert.Equal("{ \"serviceApp\": ", directory.Read("token-config.json"));
    }

    [Fact]
    public async Task What_others_change_beside_the_token_is_kept_and_is_no_change_of_the_token()
    {
        var grant = new FakeGrant(time);
        using var manager = new TokenManager("app", grant, Env, new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, log);
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
    public async Task A_token_that_another_program_puts_there_is_adopted()
    {
        using var manager = new TokenManager("app", new FakeGrant(time), Env, new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, log);
        await manager.AdoptAsync(Fresh, Cancellation);

        directory.Write(".env", directory.Read(".env").Replace("=access\n", "=theirs\n", StringComparison.Ordinal));
        time.Advance(TimeSpan.FromMinutes(2));
        await manager.VisitAsync(Cancellation);

        Assert.Equal(1, manager.Snapshot.History.Adoptions);
    }

    [Fact]
    public async Task A_logout_empties_the_token_marks_it_and_is_noticed_by_others()
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
    public async Task A_write_in_place_that_did_not_end_is_made_good_from_its_backup()
    {
        directory.Write(".env", "OTHER=1\nWEBEX_SERVICE_APP_ACC");
        directory.Write("..env.backup", "OTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=whole\n");
        var store = Env;

        Assert.Equal("whole", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.AccessToken!.Reveal());
    }
}

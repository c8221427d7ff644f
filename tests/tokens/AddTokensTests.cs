using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary><c>services.AddTokens()</c>, with manual time and without a network.</summary>
public sealed class AddTokensTests
{
    private readonly ManualTime time = new();
    private readonly FakeGrant grant;
    private readonly MemoryStore store = new();

    public AddTokensTests() => grant = new FakeGrant(time) { NeedsNoToken = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_is_sent_before_the_first_use()
    {
        await using var provider = Provider();
        var manager = provider.GetRequiredService<TokenManager>();
        time.Advance(TimeSpan.FromDays(1));

        Assert.Equal(0, grant.Requests);
        Assert.Equal("access-1", (await manager.GetTokenAsync(Cancellation))!.AccessToken!.Reveal());
    }

    [Fact]
    public async Task After_the_first_use_the_token_is_renewed_before_it_expires()
    {
        await using var provider = Provider();
        var manager = provider.GetRequiredKeyedService<TokenManager>("provider");
        await manager.GetTokenAsync(Cancellation);
        var renewed = Changed(manager);

        // The loop's timer never stops, so the clock waits for the work in real time.
        for (var end = time.GetUtcNow() + TimeSpan.FromHours(3); !renewed.IsCompleted && time.GetUtcNow() < end;)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.WhenAny(renewed, Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation));
        }

        Assert.Equal(2, grant.Requests);
        Assert.Equal("access-2", (await manager.GetTokenAsync(Cancellation))!.AccessToken!.Reveal());
    }

    [Fact]
    public async Task Disposing_the_container_waits_for_a_renewal_and_saves_it()
    {
        var provider = Provider();
        grant.Hold();
        var arrived = grant.Arrived;
        var use = provider.GetRequiredService<TokenManager>().GetTokenAsync(Cancellation).AsTask();
        await arrived;

        var end = provider.DisposeAsync().AsTask();
        Assert.False(end.IsCompleted);
        grant.Release();
        await end;

        Assert.Equal("access-1", (await use)!.AccessToken!.Reveal());
        Assert.Equal("refresh-1", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task Accounts_are_resolved_by_key_and_the_first_also_without_one()
    {
        var services = new ServiceCollection().AddSingleton<TimeProvider>(time);
        services.AddTokens().AddAccount("one", _ => grant).AddAccount("two", _ => new FakeGrant(time));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("one", provider.GetRequiredService<TokenManager>().Account);
        Assert.Same(provider.GetRequiredService<TokenManager>(), provider.GetRequiredKeyedService<TokenManager>("one"));
        Assert.Equal("two", provider.GetRequiredKeyedService<TokenManager>("two").Account);
        Assert.Equal("memory", provider.GetRequiredService<TokenManager>().StoreLocation);
    }

    [Fact]
    public async Task A_handler_renews_once_on_401_and_keeps_an_existing_authorization()
    {
        await using var provider = Provider();
        using var stub = new StubHttp().Expect(HttpStatusCode.OK).Expect(HttpStatusCode.Unauthorized)
            .Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.OK);
        var manager = provider.GetRequiredService<TokenManager>();
        using var http = new HttpClient(new TokenHandler(manager) { InnerHandler = stub }, disposeHandler: false);
        (await http.GetAsync("http://provider/", Cancellation)).Dispose();
        time.Advance(TimeSpan.FromMinutes(2));

        using (var twice = await http.GetAsync("http://provider/", Cancellation))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, twice.StatusCode);
        }
        Assert.Equal(2, grant.Requests);

        using var own = new HttpRequestMessage(HttpMethod.Get, "http://provider/") { Headers = { Authorization = new("Basic", "abc") } };
        (await http.SendAsync(own, Cancellation)).Dispose();
        Assert.Equal("Basic abc", stub.Calls[^1].Request.Headers.Authorization!.ToString());
    }

    [Fact]
    public async Task A_direct_token_is_added_and_never_renewed()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.Unauthorized);
        using var http = new HttpClient(new DirectTokenHandler(new Secret("given")) { InnerHandler = provider }, disposeHandler: false);

        using var answer = await http.GetAsync("http://provider/", Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer given", Assert.Single(provider.Calls).Request.Headers.Authorization!.ToString());
    }

    private ServiceProvider Provider()
    {
        var services = new ServiceCollection().AddSingleton<TimeProvider>(time);
        services.AddTokens().AddAccount("provider", _ => grant, _ => store);
        return services.BuildServiceProvider();
    }

    /// <summary>Completes when the token of the token manager changes.</summary>
    private static async Task Changed(TokenManager manager)
    {
        var before = manager.Snapshot.State.Token;
        while (ReferenceEquals(manager.Snapshot.State.Token, before))
        {
            var changed = manager.Changed;
            if (ReferenceEquals(manager.Snapshot.State.Token, before))
            {
                await changed.WaitAsync(Cancellation);
            }
        }
    }
}

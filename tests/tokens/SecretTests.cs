using System.Net;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Row 33: no failure prints a secret. Every secret here is a canary, and all output is searched for them.</summary>
public sealed partial class SecretTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly CollectedLog logs = new();
    private readonly List<string> printed = [];
    private readonly List<string> canaries = [];

    private string TokenFile => directory["token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Row_33_no_log_line_no_error_and_no_state_contains_a_secret()
    {
        await StartsAndRenewals();
        await AnswersOfEveryKind();
        await SiblingsAndPeople();
        await DisksAndDamage();
        await BrokenContracts();

        Assert.NotEmpty(canaries);
        foreach (var text in logs.All.Concat(printed))
        {
            Assert.DoesNotContain(canaries, canary => CollectedLog.Leaks(text, canary));
        }
        Assert.Empty(Templates().Except(logs.Templates));
    }

    [Fact]
    public void The_search_finds_a_part_of_a_secret()
    {
        Assert.True(CollectedLog.Leaks("a line with k7Qm9xP2 in it", "zzzk7Qm9xP2zzz"));
        Assert.False(CollectedLog.Leaks("a line without", "zzzk7Qm9xP2zzz"));
    }

    /// <summary>Every message template in the sources: the test must log each, so that each is searched.</summary>
    private static HashSet<string> Templates() =>
    [
        .. Directory.GetFiles(Path.Combine(Golden.Root, "..", "internal", "tokens"), "*.cs")
            .SelectMany(f => Logged().Matches(File.ReadAllText(f))).Select(m => m.Groups["template"].Value),
    ];

    private async Task StartsAndRenewals()
    {
        using (var bench = await Owner())
        {
            await bench.Visit();
        }
        directory.Write("token.json", $$"""{"access_token":"{{Canary()}}","secret_member":"{{Canary()}}"}""");
        using (var bench = await Owner())
        {
            await bench.TokenManager.RenewAsync(bench.State.Token!.AccessToken, Cancellation);
        }
        WriteGood();
        using (var bench = await Owner())
        {
            bench.Grant.Then(
                Fresh(),
                new Renewal.Transient(FailureKind.Network, "no route"),
                new Renewal.InvalidClient("not accepted"),
                new Renewal.InvalidGrant("dead"));
            for (var renewal = 0; renewal < 4; renewal++)
            {
                await bench.WhenDue();
                Print(bench);
            }
        }
        WriteGood();
        using (var bench = await Owner(options: new TokenManagerOptions { RejectionRetries = [TimeSpan.FromMinutes(1)] }))
        {
            bench.Grant.Then(Rejected(), Rejected(), Fresh());
            for (var renewal = 0; renewal < 3; renewal++)
            {
                await bench.WhenDue();
                Print(bench);
            }
        }

        Renewal Rejected() => new Renewal.InvalidGrant("dead") { Error = "invalid_grant" };
    }

    /// <summary>A provider that repeats the request in its errors, and returns tokens in invalid responses.</summary>
    private async Task AnswersOfEveryKind()
    {
        using var http = new StubHttp();
        http.Otherwise((request, body) =>
        {
            var sent = WebUtility.UrlDecode(body);
            return (http.Calls.Count % 7) switch
            {
                0 => StubHttp.Answer(HttpStatusCode.BadRequest, $$"""{"error":"invalid_grant","error_description":"{{sent}}"}"""),
                1 => StubHttp.Answer(HttpStatusCode.BadRequest, $$"""{"error":"{{sent}}"}"""),
                2 => StubHttp.Answer(HttpStatusCode.OK, $$"""{"acess_token":"{{Canary()}}"}"""),
                3 => StubHttp.Answer(HttpStatusCode.OK, $"<html>{Canary()}{sent}</html>"),
                4 => StubHttp.Answer(
                    HttpStatusCode.ServiceUnavailable, $$"""{"error":"down","error_description":"for {{sent}}","refresh_token":"{{Canary()}}"}"""),
                5 => StubHttp.Answer(HttpStatusCode.Unauthorized, $$"""{"error":"invalid_client","error_description":"{{sent}}"}"""),
                _ => StubHttp.Answer(
                    HttpStatusCode.OK,
                    $$"""{"access_token":"{{Canary()}}","refresh_token":"{{Canary()}}","id_token":"{{Canary()}}","expires_in":60}"""),
            };
        });
        var client = new OAuthClient("id", new Secret(Canary()));
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://provider/token"), client, time);
        printed.Add($"{client}");
        for (var answer = 0; answer < 21; answer++)
        {
            WriteGood();
            using var bench = await Owner(new RefreshTokenGrant(endpoint, time));
            await bench.WhenDue();
            Print(bench);
            time.Advance(TimeSpan.FromDays(1));
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                using var handler = new HttpClient(new TokenHandler(bench.TokenManager, (_, _) => new(true)) { InnerHandler = new NoNetwork() });
                await handler.GetAsync(new Uri("http://provider/data"), Cancellation);
            }).ContinueWith(thrown => printed.Add($"{thrown.Result}"), Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task SiblingsAndPeople()
    {
        WriteGood();
        using var bench = await Owner();
        WriteGood();
        await bench.Visit();
        var before = await File.ReadAllTextAsync(TokenFile, Cancellation);
        bench.Grant.Then(Fresh());
        await bench.WhenDue();
        directory.Write("token.json", before);
        await bench.Visit();
        bench.Grant.Then(_ =>
        {
            WriteGood();
            return Fresh();
        });
        await bench.WhenDue();
        await bench.TokenManager.AdoptAsync(Fresh().Token, Cancellation);
        bench.Grant.Then(_ =>
        {
            TokenManagerBench.Plain(TokenFile, time).LogOutAsync(Cancellation).AsTask().Wait(Cancellation);
            return Fresh();
        });
        await bench.WhenDue();
        await bench.TokenManager.AdoptAsync(Fresh().Token, Cancellation);
        await TokenManagerBench.Plain(TokenFile, time).LogOutAsync(Cancellation);
        await bench.Visit();
        Print(bench);
        using var next = await Owner();
        Print(next);
    }

    private async Task DisksAndDamage()
    {
        WriteGood();
        using (var bench = await Owner())
        {
            var (hidden, there) = (directory.Path + ".hidden", directory.Path);
            bench.Grant.Then(Fresh());
            Directory.Move(there, hidden);
            await bench.WhenExpired();
            Print(bench);
            Directory.Move(hidden, there);
            time.Advance(TimeSpan.FromMinutes(2));
            await bench.Visit();
            bench.Grant.Then(Fresh());
            Directory.Move(there, hidden);
            await bench.WhenExpired();
            await bench.TokenManager.DisposeAsync();
            Directory.Move(hidden, there);
        }
        foreach (var damaged in new[]
        {
            $"{Canary()}",
            $$"""{"access_token":"{{Canary()}}"x""",
            $$"""{"acess_token":"{{Canary()}}"}""",
            $$"""{"{{Canary()}}":"\ud800"}""",
        })
        {
            directory.Write("token.json", damaged);
            using var bench = await Owner();
            printed.Add($"{await bench.Store.ReadAsync(Cancellation)}");
            Print(bench);
        }
    }

    /// <summary>Foreign grants and stores, whose exceptions contain secrets.</summary>
    private async Task BrokenContracts()
    {
        WriteGood();
        using (var bench = await Owner())
        {
            bench.Grant.Then(current => throw new FormatException(
                $"The input string '{current!.RefreshToken!.Reveal()}' was not in a correct format."));
            await bench.WhenDue();
            Print(bench);
        }
        using (var bench = new TokenManagerBench(new BrokenStore(Canary), time, log: logs))
        {
            await bench.Loaded();
            await bench.TokenManager.AdoptAsync(Fresh().Token, Cancellation);
            Print(bench);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var options = new TokenManagerOptions { Random = new BrokenRandom(Canary()) };
            var manager = new TokenManager("home", bench.Grant, bench.Store, options, time, logs);
            var loop = new RefreshLoop([manager], time, logs).RunAsync(end.Token);
            while (!logs.Templates.Contains("account {Account}: the token visit failed: {Reason}"))
            {
                await Task.Yield();
            }
            await end.CancelAsync();
            await loop;
        }
    }

    private async Task<TokenManagerBench> Owner(IGrant? grant = null, TokenManagerOptions? options = null) =>
        await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time, options, grant, logs).Loaded();

    private void WriteGood() => directory.Write("token.json", TokenManagerBench.Json(Fresh().Token));

    private Renewal.Renewed Fresh() => new(new Token
    {
        AccessToken = new Secret(Canary()),
        RefreshToken = new Secret(Canary()),
        IdToken = new Secret(Canary()),
        ExpiresAt = time.GetUtcNow() + TokenManagerBench.Hour,
        Members = JsonMembers.Empty.With("unknown", Canary()),
    });

    private string Canary()
    {
        var canary = $"{Guid.NewGuid():N}";
        lock (canaries)
        {
            canaries.Add(canary);
        }
        return canary;
    }

    private void Print(TokenManagerBench bench) => printed.AddRange(
        [
            $"{bench.Snapshot}", $"{bench.State}", $"{bench.State.Token}", $"{bench.State.Token?.Members}", $"{bench.Snapshot.History}",
            $"{bench.Snapshot.Unpersisted}", $"{string.Join(' ', bench.Grant.ReceivedTokens)}",
        ]);

    [GeneratedRegex("""logger\.Log(\w*)\(\s*([\w.]+,\s*)?"(?<template>[^"]+)""")]
    private static partial Regex Logged();

    private sealed class NoNetwork : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new HttpRequestException($"no route to {request.RequestUri}");
    }

    private sealed class BrokenRandom(string canary) : Random
    {
        public override double NextDouble() => throw new FormatException(canary);
    }

    private sealed class BrokenStore(Func<string> canary) : ITokenStore
    {
        public string Location => "broken";

        public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) => throw new FormatException(canary());

        public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => throw new FormatException(canary());

        public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken) =>
            throw new FormatException(token.RefreshToken?.Reveal());

        public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) => throw new FormatException(canary());

        public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) => throw new FormatException(canary());
    }
}

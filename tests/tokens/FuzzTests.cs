using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Row 22: any token file leads to a defined state, and damaged content is kept.</summary>
public sealed class FuzzTests : IDisposable
{
    private const string Good =
        """{"access_token":"accéss-0","refresh_token":"refresh-0","expiry":"2026-11-21T15:00:00.081821762Z","expires_in":10800,"""
        + "\"scope\":[\"read\",{\"x\":null}]}";

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Oddities => new()
    {
        { "nothing", "" },
        { "white space", " \n\t" },
        { "zero bytes", new string('\0', 4096) },
        { "a zero byte within", Good.Insert(20, "\0") },
        { "no token at all", "{}" },
        { "an array", "[1,2]" },
        { "a number", "7" },
        { "null", "null" },
        { "a page", "<!DOCTYPE html><title>502</title>" },
        { "another encoding's mark", "\uFFFE{}" },
        { "deep nesting", new string('[', 100_000) },
        { "deep nesting in a member", $"{{\"refresh_token\":\"r\",\"x\":{new string('[', 5000)}{new string(']', 5000)}}}" },
        { "lone surrogate", """{"refresh_token":"\ud800"}""" },
        { "lone surrogate in a name", """{"\ud800":1,"refresh_token":"r"}""" },
        { "numbers beyond all", """{"refresh_token":"r","expires_in":1e999,"expiry":99999999999999999999}""" },
        { "times beyond all", """{"access_token":"a","refresh_token":"r","expires_in":999999999,"expiry":"9999-12-31T23:59:59-14:00"}""" },
        { "the last time there is", """{"access_token":"a","refresh_token":"r","expiry":"9999-12-31T23:59:59.9999999Z"}""" },
        { "times before all", """{"access_token":"a","refresh_token":"r","expires_in":999999999,"expiry":"0002-01-01T00:00:00Z"}""" },
        { "ten megabytes of a member", $"{{\"refresh_token\":\"r\",\"x\":\"{new string('x', 10 << 20)}\"}}" },
        { "ten megabytes of nothing", new string(' ', 10 << 20) },
        { "members again and again", $"{{{string.Concat(Enumerable.Repeat("\"refresh_token\":\"r\",", 20_000))}\"x\":1}}" },
    };

    public void Dispose() => directory.Dispose();

    [Theory]
    [MemberData(nameof(Oddities))]
    public async Task Row_22_an_unusual_file_leads_to_a_defined_state(string what, string content)
    {
        Assert.NotEmpty(what);
        await EndsInAClearState(Encoding.UTF8.GetBytes(content));
    }

    [Fact]
    public async Task Row_22_every_prefix_of_a_file_leads_to_a_defined_state()
    {
        var content = Encoding.UTF8.GetBytes(Good);
        for (var length = 0; length <= content.Length; length++)
        {
            await EndsInAClearState(content[..length]);
        }
    }

    [Fact]
    public async Task Row_22_every_byte_may_be_any_other()
    {
        var (content, random) = (Encoding.UTF8.GetBytes(Good), new Random(22));
        for (var at = 0; at < content.Length; at++)
        {
            foreach (var other in new[] { (byte)0, (byte)'"', (byte)random.Next(256) })
            {
                var changed = (byte[])content.Clone();
                changed[at] = other;
                await EndsInAClearState(changed);
            }
        }
    }

    [Fact]
    public async Task Row_22_any_member_may_be_of_any_type()
    {
        string[] values = ["null", "true", "7", "-1", "1.5", "\"\"", "\"text\"", "[]", "[[1]]", "{}", "{\"a\":{\"b\":1}}", "\"\\ud83d\"", "1e400"];
        foreach (var name in new[] { "access_token", "refresh_token", "id_token", "expiry", "refresh_expiry", "expires_in", "scope" })
        {
            foreach (var value in values)
            {
                var members = JsonMembers.Parse(Encoding.UTF8.GetBytes(Good));
                var text = string.Join(',', members.Names.Where(n => n != name).Select(n => $"\"{n}\":\"x\"").Append($"\"{name}\":{value}"));
                await EndsInAClearState(Encoding.UTF8.GetBytes($"{{{text}}}"));
            }
        }
    }

    /// <summary>Loads, visits, renews if due, logs in and closes.</summary>
    private async Task EndsInAClearState(byte[] content)
    {
        var path = directory["token.json"];
        await File.WriteAllBytesAsync(path, content, Cancellation);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();

        await bench.Visit();
        await bench.Visit();

        switch (bench.State)
        {
            case TokenState.Active { Held: var held, RenewAt: var renewAt }:
                Assert.True(held.AccessToken is not null || held.RefreshToken is not null);
                Assert.True(renewAt > time.GetUtcNow(), "a renewal must not be due again at once");
                break;
            case TokenState.Missing:
                if (content.Length > 0)
                {
                    Assert.Equal(content, File.ReadAllBytes(Assert.Single(Directory.GetFiles(directory.Path, "*.corrupt-*"))));
                }
                Assert.Single(bench.Logs.At(LogLevel.Error));
                break;
            case TokenState.Lost:
                break;
            default:
                Assert.Fail($"{bench.State.GetType().Name} is no state for a file");
                break;
        }
        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time, number: "person"), Cancellation);
        Assert.Equal("refresh-person", await bench.StoredRefresh());
        Assert.Null(await bench.TokenManager.CloseAsync(Cancellation));
        Assert.DoesNotContain(bench.Logs.All, line => line.Contains("not foreseen", StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(directory.Path))
        {
            File.Delete(file);
        }
    }
}

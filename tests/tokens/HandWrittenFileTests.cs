using System.Text;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Token files as people and shells write them.</summary>
public sealed class HandWrittenFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    [InlineData("utf-32BE")]
    public async Task A_byte_order_mark_names_the_encoding_and_a_save_writes_UTF_8(string encoding)
    {
        await File.WriteAllTextAsync(
            TokenFile, "{\"refresh_token\":\"refresh-0\",\"note\":\"grüezi\"}\r\n", Encoding.GetEncoding(encoding), TestContext.Current.CancellationToken);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await bench.Visit();

        Assert.Equal("refresh-0", bench.Grant.ReceivedTokens.Single()?.RefreshToken?.Reveal());
        Assert.StartsWith("{\"refresh_token\":\"refresh-1\",\"note\":\"grüezi\"", Encoding.UTF8.GetString(await File.ReadAllBytesAsync(
            TokenFile, TestContext.Current.CancellationToken)), StringComparison.Ordinal);
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task UTF_16_without_a_mark_is_named()
    {
        await File.WriteAllBytesAsync(TokenFile, Encoding.Unicode.GetBytes("{\"refresh_token\":\"r\"}"), TestContext.Current.CancellationToken);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        Assert.Contains("UTF-16; save it as UTF-8", bench.Logs.At(LogLevel.Error)[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task White_space_at_the_ends_of_a_token_is_not_part_of_it()
    {
        directory.Write("token.json", """{"refresh_token":" refresh-0\r\n","access_token":"\taccess-0 ","expiry":"2026-11-20T00:00:00Z"}""");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        await bench.Visit();

        var sent = bench.Grant.ReceivedTokens.Single()!;
        Assert.Equal(("refresh-0", "access-0"), (sent.RefreshToken?.Reveal(), sent.AccessToken?.Reveal()));
    }
}

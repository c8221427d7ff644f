using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Responses of token endpoints that other clients understand too.</summary>
public sealed class TokenResponseTests : IDisposable
{
    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-8")]
    [InlineData("text/plain")]
    public async Task A_token_may_be_a_form(string type)
    {
        Expect(HttpStatusCode.OK, type, "access_token=a%2B1&refresh_token=r+1&expires_in=60&token_type=bearer");

        var token = Assert.IsType<Renewal.Renewed>(await RenewAsync()).Token;

        Assert.Equal(("a+1", "r 1", TimeSpan.FromMinutes(1)), (token.AccessToken?.Reveal(), token.RefreshToken?.Reveal(), token.Lifetime));
    }

    [Fact]
    public async Task An_error_may_be_a_form()
    {
        Expect(HttpStatusCode.OK, "application/x-www-form-urlencoded", "error=bad_refresh_token&error_description=It+expired");

        Assert.EndsWith(
            "(HTTP 200, bad_refresh_token: It expired)", Assert.IsType<Renewal.InvalidGrant>(await RenewAsync()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stray_byte_in_another_member_costs_nothing()
    {
        byte[] body = [.. "{\"organization\":\"M"u8, 0xFC, .. "ller\",\"access_token\":\"a\",\"refresh_token\":\"r\"}"u8];
        http.Expect((_, _, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(body) }));

        var token = Assert.IsType<Renewal.Renewed>(await RenewAsync()).Token;

        Assert.Equal(("a", "r", "M\uFFFDller"), (token.AccessToken?.Reveal(), token.RefreshToken?.Reveal(), token.Members.Text("organization")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"token_type\":\"BEARER\"")]
    [InlineData(",\"token_type\":null")]
    public async Task A_bearer_token_may_have_any_case_or_no_type(string type)
    {
        Expect(HttpStatusCode.OK, "application/json", $$"""{"access_token":"a"{{type}}}""");

        Assert.True(Assert.IsType<Renewal.Renewed>(await RenewAsync()).Token.IsUsable(time.GetUtcNow()));
    }

    [Fact]
    public async Task What_is_not_from_a_token_endpoint_is_described()
    {
        http.Expect((_, _, _) =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.Forbidden)
            {
                Content = new StringContent("<html><title>Request\nblocked &amp; logged</title></html>", new MediaTypeHeaderValue("text/html")),
            };
            response.Headers.Server.ParseAdd("awselb/2.0");
            response.Headers.RetryAfter = new(TimeSpan.FromMinutes(5));
            return Task.FromResult(response);
        });

        var (_, reason, retryAfter) = Assert.IsType<Renewal.Transient>(await RenewAsync());

        Assert.EndsWith(
            "(HTTP 403, text/html, \"Request blocked & logged\" from provider.example (awselb/2.0))", reason, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(5), retryAfter);
    }

    [Theory]
    [InlineData("grant")]
    [InlineData("invalid_grant")]
    public async Task A_secret_that_is_part_of_an_error_code_changes_no_classification(string secret)
    {
        Expect(HttpStatusCode.BadRequest, "application/json", """{"error":"invalid_grant"}""");

        Assert.DoesNotContain("grant", Assert.IsType<Renewal.InvalidGrant>(await RenewAsync(secret)).Reason);
    }

    [Fact]
    public async Task A_secret_of_three_characters_is_not_struck_out_of_messages()
    {
        Expect(HttpStatusCode.BadRequest, "application/json", """{"error":"invalid_grant","error_description":"the grant expired"}""");

        Assert.Contains("the grant expired", Assert.IsType<Renewal.InvalidGrant>(await RenewAsync("the")).Reason);
    }

    /// <summary>With a real server, because the real client adds the header and decodes the content.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Requests_name_the_program_and_responses_may_be_compressed(string encoding)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = TokenEndpoint.CreateHttp();
        var renewal = RenewAsync(client, new Uri($"http://{listener.LocalEndpoint}/token"), "secret");
        using var connection = await listener.AcceptTcpClientAsync(Cancellation);
        var request = new byte[4096];
        var length = await connection.GetStream().ReadAsync(request, Cancellation);
        var body = Compress(encoding, """{"access_token":"a"}"""u8.ToArray());
        var head = $"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
        await connection.GetStream().WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body], Cancellation);

        Assert.Equal("a", Assert.IsType<Renewal.Renewed>(await renewal).Token.AccessToken?.Reveal());
        Assert.Matches(@"\r\nUser-Agent: oauth-exporter/\d+\.\d+\.\d+\r\n", Encoding.ASCII.GetString(request, 0, length));
    }

    private static byte[] Compress(string encoding, byte[] body)
    {
        var compressed = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Fastest),
            "br" => new BrotliStream(compressed, CompressionLevel.Fastest),
            _ => new ZLibStream(compressed, CompressionLevel.Fastest),
        })
        {
            stream.Write(body);
        }
        return compressed.ToArray();
    }

    private void Expect(HttpStatusCode status, string type, string body) => http.Expect((_, _, _) => Task.FromResult(
        new HttpResponseMessage(status) { Content = new StringContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } } }));

    private Task<Renewal> RenewAsync(string secret = "s&cret") => RenewAsync(http.Client, new Uri("https://provider.example/token"), secret);

    private Task<Renewal> RenewAsync(HttpClient client, Uri address, string secret) =>
        new RefreshTokenGrant(new TokenEndpoint(client, address, new OAuthClient("id", new Secret(secret)), time), time)
            .RenewAsync(TokenManagerBench.Some(time), Cancellation);
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The requests to a token endpoint, and the classification of its responses.</summary>
public sealed class TokenEndpointTests : IDisposable
{
    private const string Good = """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":10800}""";

    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task A_refresh_is_one_form_that_contains_the_client()
    {
        http.Expect(HttpStatusCode.OK, Good);

        var renewed = Assert.IsType<Renewal.Renewed>(await Renew());

        Assert.Equal("grant_type=refresh_token&refresh_token=refresh-0&client_id=id&client_secret=s%26cret", http.Calls.Single().Body);
        Assert.Equal(
            ("access-1", "refresh-1", time.GetUtcNow() + 3 * TokenManagerBench.Hour),
            (renewed.Token.AccessToken!.Reveal(), renewed.Token.RefreshToken!.Reveal(), renewed.Token.ExpiresAt));
    }

    [Fact]
    public async Task Basic_authentication_encodes_both_parts_before_joining_them()
    {
        http.Expect(HttpStatusCode.OK, Good);

        await Renew(new OAuthClient("my id", new Secret("a:b"), ClientAuthentication.Basic));

        Assert.Equal(Convert.ToBase64String("my%20id:a%3Ab"u8), http.Calls.Single().Request.Headers.Authorization?.Parameter);
        Assert.DoesNotContain("client", http.Calls.Single().Body);
    }

    [Fact]
    public async Task Row_12_a_response_without_a_refresh_token_keeps_the_old_one()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","expires_in":60}""");

        Assert.Equal("refresh-0", Assert.IsType<Renewal.Renewed>(await Renew()).Token.RefreshToken?.Reveal());
    }

    /// <summary>RFC 6749, section 6: a refresh token is bound to the client it was issued to.</summary>
    [Fact]
    public async Task Row_37_a_refresh_token_of_another_client_is_not_sent_and_the_message_names_both_clients()
    {
        http.Expect(HttpStatusCode.OK, Good);
        var token = Assert.IsType<Renewal.Renewed>(await Renew(new OAuthClient("before", null))).Token;
        var grant = new RefreshTokenGrant(Endpoint(new OAuthClient("now", null)), time);

        var rejected = Assert.IsType<Renewal.InvalidGrant>(await grant.RenewAsync(token, Cancellation));

        Assert.Equal(
            "the refresh token was issued to the client before, but now is configured; log in again, or restore client_id", rejected.Reason);
        Assert.Single(http.Calls);
    }

    [Theory]
    [InlineData(null, null, ", 45 bytes from provider")]
    [InlineData("message", null, ", no such token")]
    [InlineData("message", "trackingId", ", no such token, trackingId T1")]
    public async Task The_providers_own_error_members_are_read_if_they_are_configured(string? description, string? reference, string said)
    {
        http.Expect(HttpStatusCode.BadRequest, """{"message":"no such token","trackingId":"T1"}""");
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://provider/token"), new OAuthClient("id", null), time)
        {
            ErrorMembers = new(description, reference),
        };

        var refused = Assert.IsType<Renewal.Transient>(await endpoint.RequestAsync([], Cancellation));

        Assert.EndsWith($"(HTTP 400{said})", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_standard_description_precedes_the_providers_own()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant","error_description":"it ended","message":"no such token"}""");
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://provider/token"), new OAuthClient("id", null), time)
        {
            ErrorMembers = new("message"),
        };

        var rejected = Assert.IsType<Renewal.InvalidGrant>(await endpoint.RequestAsync([], Cancellation));

        Assert.EndsWith("(HTTP 400, invalid_grant: it ended)", rejected.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "invalid_grant", typeof(Renewal.InvalidGrant))]
    [InlineData(401, "invalid_grant", typeof(Renewal.InvalidGrant))]
    [InlineData(200, "invalid_grant", typeof(Renewal.InvalidGrant))]
    [InlineData(401, "invalid_client", typeof(Renewal.InvalidClient))]
    [InlineData(400, "unauthorized_client", typeof(Renewal.InvalidClient))]
    [InlineData(400, "invalid_scope", typeof(Renewal.InvalidClient))]
    [InlineData(400, "unsupported_grant_type", typeof(Renewal.InvalidClient))]
    [InlineData(400, "invalid_request", typeof(Renewal.InvalidClient))]
    [InlineData(200, "incorrect_client_credentials", typeof(Renewal.InvalidClient))]
    [InlineData(200, "bad_refresh_token", typeof(Renewal.InvalidGrant))]
    [InlineData(200, "invalid_refresh_token", typeof(Renewal.InvalidGrant))]
    [InlineData(400, "interaction_required", typeof(Renewal.InvalidGrant))]
    [InlineData(401, "", typeof(Renewal.Transient))]
    [InlineData(403, "", typeof(Renewal.Transient))]
    [InlineData(404, "", typeof(Renewal.Transient))]
    [InlineData(407, "", typeof(Renewal.Transient))]
    [InlineData(403, "access_denied", typeof(Renewal.Transient))]
    [InlineData(400, "something_else", typeof(Renewal.Transient))]
    [InlineData(400, "slow_down", typeof(Renewal.Transient))]
    [InlineData(400, "rate_limit_exceeded", typeof(Renewal.Transient))]
    [InlineData(400, "temporarily_unavailable", typeof(Renewal.Transient))]
    [InlineData(400, "server_error", typeof(Renewal.Transient))]
    [InlineData(408, "", typeof(Renewal.Transient))]
    [InlineData(429, "", typeof(Renewal.Transient))]
    [InlineData(429, "invalid_grant", typeof(Renewal.Transient))]
    [InlineData(500, "", typeof(Renewal.Transient))]
    [InlineData(503, "invalid_grant", typeof(Renewal.Transient))]
    public async Task Row_06_07_and_08_one_table_decides_what_is_permanent(int status, string error, Type outcome)
    {
        http.Expect((HttpStatusCode)status, error.Length > 0 ? $$"""{"error":"{{error}}","error_description":"because"}""" : "");

        Assert.IsType(outcome, await Renew());
    }

    [Fact]
    public async Task Row_08_a_network_failure_is_transient_and_the_request_is_sent_once()
    {
        Exception[] failures =
        [
            new HttpRequestException("no such host", new SocketException((int)SocketError.HostNotFound)),
            new HttpRequestException("The SSL connection could not be established"),
            new IOException("connection reset"),
        ];
        foreach (var failure in failures)
        {
            http.ExpectFailure(failure);
            Assert.Equal(FailureKind.Network, Assert.IsType<Renewal.Transient>(await Renew()).Kind);
        }
    }

    [Fact]
    public async Task Row_08_a_request_without_a_response_times_out()
    {
        http.ExpectSilence();
        var renewal = Renew();

        time.Advance(TokenEndpoint.RequestTimeout - TimeSpan.FromSeconds(1));
        Assert.False(renewal.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(FailureKind.Timeout, Assert.IsType<Renewal.Transient>(await renewal).Kind);
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("Sat, 21 Nov 2026 12:10:00 GMT", 300)]
    [InlineData("Sat, 21 Nov 2026 11:00:00 GMT", -3900)]
    [InlineData("-5", null)]
    [InlineData("1.5", null)]
    [InlineData("99999999999", null)]
    [InlineData("soon", null)]
    public async Task Row_08_retry_after_is_read_in_both_forms(string value, int? seconds)
    {
        // Relative to the provider's clock, which is five minutes fast here.
        http.Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", value), ("Date", "Sat, 21 Nov 2026 12:05:00 GMT"));

        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, Assert.IsType<Renewal.Transient>(await Renew()).RetryAfter);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html><body>Gateway</body></html>")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"access_token":""}""")]
    [InlineData("""{"access_token":null}""")]
    [InlineData("""{"access_token":123,"token_type":"bearer"}""")]
    [InlineData("""{"access_token":{"a": /* comment */ 1},}""")]
    [InlineData("""{"\ud800":1,"access_token":"a"}""")]
    public async Task Row_09_a_success_status_without_a_token_is_a_transient_failure(string body)
    {
        http.Expect(HttpStatusCode.OK, body);

        Assert.Equal(FailureKind.MalformedAnswer, Assert.IsType<Renewal.Transient>(await Renew()).Kind);
    }

    [Fact]
    public async Task Row_09_a_body_larger_than_any_token_is_not_read_to_its_end()
    {
        var endless = new EndlessStream();
        http.Expect((_, _, _) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(endless) }));

        Assert.Contains("longer than 1 MiB", Assert.IsType<Renewal.Transient>(await Renew()).Reason);

        Assert.InRange(endless.Given, 1 << 20, 2 << 20);
    }

    [Fact]
    public async Task Row_09_and_33_an_error_of_the_provider_is_shortened_sanitized_and_redacted()
    {
        var (error, description) = (new string('e', 5000), new string('d', 5000));
        http.Expect(
            HttpStatusCode.BadRequest,
            $$"""{"error":"bad\u001b[31m{{error}}","error_description":"token refresh-0 of s&cret\n\u2028 {{description}}"}""");
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant","error_description":"token refresh-0 of s&cret is dead"}""");

        var rambling = Assert.IsType<Renewal.Transient>(await Renew()).Reason;
        var brief = Assert.IsType<Renewal.InvalidGrant>(await Renew()).Reason;

        Assert.InRange(rambling.Length, 100, 600);
        Assert.DoesNotContain(rambling, c => char.IsControl(c) || c == '\u2028');
        Assert.Equal("the refresh token is no longer accepted (HTTP 400, invalid_grant: token <secret> of <secret> is dead)", brief);
    }

    [Theory]
    [InlineData("10800", 10800.0)]
    [InlineData("\"10800\"", 10800.0)]
    [InlineData("\"3600.0\"", 3600.0)]
    [InlineData("3600.5", 3600.5)]
    [InlineData("1e3", 1000.0)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("9223372036854775808", 315360000.0)]
    [InlineData("1e300", 315360000.0)]
    [InlineData("\"1e999\"", null)]
    [InlineData("\"NaN\"", null)]
    [InlineData("\"soon\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("null", null)]
    [InlineData("true", null)]
    [InlineData("[]", null)]
    public async Task Row_10_a_lifetime_is_read_in_any_form_and_never_breaks_a_response(string written, double? seconds)
    {
        http.Expect(HttpStatusCode.OK, $$"""{"access_token":"a","expires_in":{{written}}}""");

        var token = Assert.IsType<Renewal.Renewed>(await Renew()).Token;

        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, token.Lifetime);
        Assert.Equal(time.GetUtcNow() + token.Lifetime, token.ExpiresAt);
    }

    [Fact]
    public async Task Row_10_a_missing_lifetime_is_read_from_the_token_or_assumed()
    {
        var expiry = ManualTime.Start.AddMinutes(25);
        var jwt = $"e30.{System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"exp":{{expiry.ToUnixTimeSeconds()}}}"""))}.x";
        http.Expect(HttpStatusCode.OK, $$"""{"access_token":"{{jwt}}","refresh_token":"r"}""").Expect(HttpStatusCode.OK, """{"access_token":"a"}""");
        using var bench = await new TokenManagerBench(time: time, grant: new RefreshTokenGrant(Endpoint(), time)).Loaded();

        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(expiry, bench.State.Token!.ExpiresAt);
        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(time.GetUtcNow() + bench.Options.AssumedLifetime, bench.State.Token!.ExpiresAt);
    }

    [Fact]
    public async Task Row_13_the_same_refresh_token_is_sent_again_after_its_response_was_lost()
    {
        http.ExpectFailure(new HttpRequestException("the connection was reset")).Expect(HttpStatusCode.OK, Good);
        using var bench = await new TokenManagerBench(time: time, grant: new RefreshTokenGrant(Endpoint(), time)).Loaded();

        await bench.WhenDue();
        await bench.WhenDue();

        Assert.Equal(http.Calls[0].Body, http.Calls[1].Body);
        Assert.Equal("access-1", bench.Access);
    }

    [Fact]
    public async Task Row_25_the_clock_of_the_provider_is_compared_with_the_local_clock()
    {
        http.Expect(HttpStatusCode.OK, Good, ("Date", "Sat, 21 Nov 2026 12:02:30 GMT"))
            .Expect(HttpStatusCode.BadRequest, "", ("Date", "Sat, 21 Nov 2026 11:59:00 GMT"))
            .Expect(HttpStatusCode.OK, Good);
        using var bench = await new TokenManagerBench(time: time, grant: new RefreshTokenGrant(Endpoint(), time)).Loaded();

        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(TimeSpan.FromSeconds(150), bench.Snapshot.History.ClockOffset);
        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(TimeSpan.FromSeconds(-60), bench.Snapshot.History.ClockOffset);
        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(TimeSpan.FromSeconds(-60), bench.Snapshot.History.ClockOffset);
    }

    [Theory]
    [InlineData(HttpStatusCode.MovedPermanently)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.TemporaryRedirect)]
    [InlineData(HttpStatusCode.PermanentRedirect)]
    public async Task Row_35_credentials_are_not_sent_after_a_redirect(HttpStatusCode status)
    {
        // Uses a real server and the real client, which would follow a redirect by default.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = TokenEndpoint.CreateHttp();
        var endpoint = new TokenEndpoint(client, new Uri($"http://{listener.LocalEndpoint}/token"), new OAuthClient("id", null), time);
        var renewal = new RefreshTokenGrant(endpoint, time)
            .RenewAsync(TokenManagerBench.Some(time), Cancellation);

        using var connection = await listener.AcceptTcpClientAsync(Cancellation);
        var stream = connection.GetStream();
        var request = new byte[4096];
        Assert.NotEqual(0, await stream.ReadAsync(request, Cancellation));
        var response = $"HTTP/1.1 {(int)status} Elsewhere\r\nLocation: http://{listener.LocalEndpoint}/elsewhere\r\n"
            + "Content-Length: 0\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(response), Cancellation);

        Assert.Contains("credentials are not sent there", Assert.IsType<Renewal.Transient>(await renewal).Reason);
        Assert.False(listener.Pending());
    }

    private TokenEndpoint Endpoint(OAuthClient? client = null) =>
        new(http.Client, new Uri("https://provider.example/token"), client ?? new OAuthClient("id", new Secret("s&cret")), time);

    private Task<Renewal> Renew(OAuthClient? client = null) =>
        new RefreshTokenGrant(Endpoint(client), time).RenewAsync(TokenManagerBench.Some(time), Cancellation);

    private sealed class EndlessStream : Stream
    {
        public long Given { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => Given; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Array.Fill(buffer, (byte)' ', offset, count);
            Given += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

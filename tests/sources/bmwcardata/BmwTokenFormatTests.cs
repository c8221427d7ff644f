using System.Text;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public sealed class BmwTokenFormatTests
{
    private const string Manager = """
        {
            "access_token": "access-1",
            "refresh_token": "refresh-1",
            "id_token": "id-1",
            "expires_in": 3599,
            "token_type": "Bearer",
            "scope": "authenticate_user openid cardata:streaming:read",
            "gcid": "0b1c2d3e-0000-4000-8000-000000000001",
            "client_id": "31C3B263-A9B7-4C8E-B123-456789ABCDEF",
            "vin": "WBY00000000000017",
            "note": {"mine": [1, 2.50, "ä/b"]},
            "fetched_at": 1763725200,
            "expires_at": 1763728799
        }
        """;

    private const string Client = """
        {
          "access_token": {
            "token": "access-1",
            "expires_at": "2026-11-21T13:00:00.123456",
            "type": "Bearer"
          },
          "refresh_token": {
            "token": "refresh-1",
            "expires_at": "2026-12-05T12:00:00.123456"
          },
          "id_token": {
            "token": "id-1",
            "expires_at": "2026-11-21T13:00:00.123456"
          },
          "gcid": "0b1c2d3e-0000-4000-8000-000000000001",
          "scope": "authenticate_user openid",
          "mine": true
        }
        """;

    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    private readonly BmwTokenManagerFormat manager = new();
    private readonly CarDataClientFormat client = new(TimeZoneInfo.Utc);

    [Fact]
    public void A_file_of_BmwTokenManager_is_read()
    {
        var token = manager.Read(Bytes(Manager));

        Assert.Equal("access-1", token.AccessToken!.Reveal());
        Assert.Equal("refresh-1", token.RefreshToken!.Reveal());
        Assert.Equal("id-1", token.IdToken!.Reveal());
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1763728799), token.ExpiresAt);
        Assert.Equal(TimeSpan.FromSeconds(3599), token.Lifetime);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1763725200) + TimeSpan.FromDays(14), token.RefreshExpiresAt);
        Assert.Equal("31C3B263-A9B7-4C8E-B123-456789ABCDEF", token.Members.Text("client_id"));
    }

    [Fact]
    public void A_file_of_BmwTokenManager_is_preserved_byte_for_byte() =>
        Assert.Equal(Manager, Text(manager.Write(manager.Read(Bytes(Manager)), Bytes(Manager))));

    [Fact]
    public void A_renewal_changes_only_the_token_and_its_times()
    {
        var stored = manager.Read(Bytes(Manager));
        // BMW sometimes omits the gcid.
        var response = TokenResponse.ReadToken(
            JsonMembers.Parse("""
                {"access_token":"access-2","refresh_token":"refresh-2","id_token":"id-2","expires_in":3599,"token_type":"Bearer"}
                """u8),
            DateTimeOffset.FromUnixTimeSeconds(1763728000))!;

        var written = Text(manager.Write(stored.After(response), Bytes(Manager)));

        Assert.Equal(
            Manager.Replace("access-1", "access-2").Replace("refresh-1", "refresh-2").Replace("id-1", "id-2")
                .Replace("1763725200", "1763728000").Replace("1763728799", "1763731599"),
            written);
    }

    [Fact]
    public void A_file_of_the_login_script_has_no_expiry()
    {
        var token = manager.Read("""
            {"access_token":"a","refresh_token":"r","id_token":"i","expires_in":3599,"gcid":"g","client_id":"c","vin":"v"}
            """u8);

        Assert.Null(token.ExpiresAt);
        Assert.Contains(token.Warnings(), s => s.Contains("expiry", StringComparison.Ordinal));
    }

    [Fact]
    public void A_new_file_has_the_layout_of_PHP()
    {
        var written = Text(manager.Write(new Token { RefreshToken = new Secret("r"), Members = JsonMembers.Empty.With("gcid", "g") }, []));

        Assert.Equal("{\n    \"gcid\": \"g\",\n    \"refresh_token\": \"r\"\n}", written);
    }

    [Theory]
    [InlineData("""{"refresh_token":"r","client_id":"c"}""", true, false)]
    [InlineData("""{"access_token":"a","refresh_token":"r","fetched_at":1}""", true, false)]
    [InlineData("""{"access_token":"a","refresh_token":"r","expiry":"2026-11-21T12:00:00Z"}""", false, false)]
    [InlineData("""{"access_token":{"token":"a"},"gcid":"g"}""", false, true)]
    [InlineData("""{"refresh_token":{"token":"r","expires_at":"2026-12-05T12:00:00"},"gcid":"g","scope":"s"}""", false, true)]
    [InlineData("""{"token":{"accessToken":"a"}}""", false, false)]
    [InlineData("""[1]""", false, false)]
    [InlineData("", false, false)]
    public void Each_format_is_recognized(string content, bool isManager, bool isClient)
    {
        Assert.Equal(isManager, manager.Recognises(Bytes(content)));
        Assert.Equal(isClient, client.Recognises(Bytes(content)));
    }

    [Fact]
    public void A_file_of_the_CarData_client_is_read_in_the_local_time_zone()
    {
        var token = new CarDataClientFormat(Berlin).Read(Bytes(Client));

        Assert.Equal("access-1", token.AccessToken!.Reveal());
        Assert.Equal("refresh-1", token.RefreshToken!.Reveal());
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero), token.ExpiresAt!.Value.AddTicks(-1234560));
        Assert.Equal(new DateTimeOffset(2026, 12, 5, 11, 0, 0, TimeSpan.Zero), token.RefreshExpiresAt!.Value.AddTicks(-1234560));
        Assert.Equal("0b1c2d3e-0000-4000-8000-000000000001", token.Members.Text("gcid"));
    }

    [Fact]
    public void A_file_of_the_CarData_client_is_preserved_byte_for_byte() =>
        Assert.Equal(Client, Text(client.Write(client.Read(Bytes(Client)), Bytes(Client))));

    [Theory]
    // On 25 October 2026, the time 02:30 occurs twice in Berlin, at 00:30 and 01:30 UTC.
    [InlineData("2026-10-25T02:30:00", "2026-10-25T00:30:00Z")]
    // On 29 March 2026, the time 02:30 does not exist in Berlin.
    [InlineData("2026-03-29T02:30:00", "2026-03-29T00:30:00Z")]
    [InlineData("2026-07-01T12:00:00", "2026-07-01T10:00:00Z")]
    [InlineData("2026-07-01T12:00:00+05:00", "2026-07-01T07:00:00Z")]
    [InlineData("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z")]
    public void An_ambiguous_time_means_the_earlier_time(string written, string meant)
    {
        var token = new CarDataClientFormat(Berlin).Read(Bytes($$$"""{"access_token":{"token":"a","expires_at":"{{{written}}}"}}"""));

        Assert.Equal(DateTimeOffset.Parse(meant), token.ExpiresAt);
    }

    [Theory]
    [InlineData("2026-10-25T00:59:00Z")]
    [InlineData("2026-11-21T12:00:00Z")]
    [InlineData("2026-07-21T12:00:00Z")]
    public void An_unambiguous_time_is_preserved(string end)
    {
        var format = new CarDataClientFormat(Berlin);
        var token = new Token { AccessToken = new Secret("a"), RefreshToken = new Secret("r"), ExpiresAt = DateTimeOffset.Parse(end) };

        Assert.Equal(token.ExpiresAt, format.Read(format.Write(token, [])).ExpiresAt);
    }

    [Fact]
    public void A_file_of_the_CarData_client_without_an_access_token_is_read_and_preserved()
    {
        const string later = """{"refresh_token":{"token":"r-1","expires_at":"2026-12-05T12:00:00"},"gcid":"g","scope":"s"}""";
        var token = client.Read(Bytes(later));
        Assert.Null(token.AccessToken);

        var renewed = token.After(new Token { AccessToken = new Secret("a"), RefreshToken = new Secret("r-2") });
        var written = client.Read(client.Write(renewed, Bytes(later)));

        Assert.Equal("r-2", written.RefreshToken!.Reveal());
        Assert.Equal("g", written.Members.Text("gcid"));
    }

    [Fact]
    public async Task The_store_preserves_the_format_of_each_file()
    {
        using var directory = new TemporaryDirectory();
        foreach (var (name, content) in new[] { ("token.json", Manager), ("bmw_tokens.json", Client) })
        {
            var store = new FileStore(directory.Write(name, content), new BmwCarDataSource().TokenFormats(new ManualTime()), new ManualTime());
            var stored = Assert.IsType<ReadResult.Held>(await store.ReadAsync(TestContext.Current.CancellationToken));

            Assert.IsType<WriteResult.Written>(await store.WriteAsync(stored.Token, stored.Stamp, TestContext.Current.CancellationToken));

            Assert.Equal(content, await File.ReadAllTextAsync(directory[name], TestContext.Current.CancellationToken));
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}

using System.Security.Cryptography;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Key files, and what they seal and open.</summary>
public sealed class TokenKeysTests : IDisposable
{
    private static readonly string First = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Second = Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray());

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_first_key_seals_and_every_key_opens()
    {
        var (old, both) = (Keys($"a {First}"), Keys($"# newest first\n\n  b {Second} # today\r\na {First}\n"));
        var (before, after) = (old.Seal("home", "hush"u8), both.Seal("home", "hush"u8));

        Assert.Equal(["b", "a"], both.Ids);
        Assert.Equal("b", both.CurrentId);
        Assert.Equal("hush", Text(both.Open("home", before)));
        Assert.Equal("hush", Text(both.Open("home", after)));
        Assert.Equal((false, true, true), (both.IsCurrent(before), both.IsCurrent(after), old.IsCurrent(before)));
        Assert.Equal(
            "it is sealed with the key b, which is not in the key file; add that key to the file", old.Open("home", after).Failure);
    }

    [Fact]
    public void Equal_content_is_sealed_differently_each_time_and_an_empty_one_too()
    {
        var keys = Keys(First);

        Assert.NotEqual(keys.Seal("home", "hush"u8), keys.Seal("home", "hush"u8));
        Assert.Empty(keys.Open("", keys.Seal("", [])).Value!);
    }

    [Fact]
    public void Another_account_does_not_open_it() => Assert.Equal(
        "it is sealed for another account; restore the account's name, or its own token",
        Keys(First).Open("work", Keys(First).Seal("home", "hush"u8)).Failure);

    [Fact]
    public void Another_key_with_the_same_ID_does_not_open_it() => Assert.Equal(
        "it is damaged, or the key file has another key with the ID a; restore the one that is wrong",
        Keys($"a {Second}").Open("home", Keys($"a {First}").Seal("home", "hush"u8)).Failure);

    [Fact]
    public void No_byte_can_be_changed_added_or_removed()
    {
        var keys = Keys($"key {First}\nkex {First}");
        var content = keys.Seal("home", "hush"u8);

        for (var i = 0; i < content.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = content.ToArray();
                changed[i] ^= (byte)(1 << bit);
                Assert.NotNull(keys.Open("home", changed).Failure);
            }
            Assert.NotNull(keys.Open("home", content.AsSpan(0, i)).Failure);
        }
        Assert.NotNull(keys.Open("home", [.. content, 0]).Failure);
    }

    [Fact]
    public void What_is_not_sealed_is_reported_as_damaged()
    {
        foreach (var content in new byte[][] { [], [1], [1, 255], [2, 1, 97], "{}"u8.ToArray(), [1, 1, 10, .. new byte[40]] })
        {
            Assert.StartsWith("it is damaged", Keys(First).Open("home", content).Failure, StringComparison.Ordinal);
            Assert.False(Keys(First).IsCurrent(content));
        }
    }

    /// <summary>Later versions must open what this one sealed, so this test builds the bytes on its own.</summary>
    [Fact]
    public void The_documented_bytes_are_opened()
    {
        var keys = Keys($"a {First}");
        byte[] nonce = [.. Enumerable.Range(0, 12).Select(i => (byte)i)];
        byte[] header = [1, 1, (byte)'a', .. SHA256.HashData([.. nonce, .. "home"u8])[..4], .. nonce];
        var (tag, sealedBytes) = (new byte[16], new byte[4]);
        using var aes = new AesGcm(Convert.FromBase64String(First), 16);
        aes.Encrypt(nonce, "hush"u8, sealedBytes, tag, [.. header, .. "home"u8]);

        Assert.Equal("hush", Text(keys.Open("home", [.. header, .. tag, .. sealedBytes])));
    }

    [Fact]
    public void A_single_key_may_lack_its_ID()
    {
        var id = Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(First)))[..8];

        Assert.Equal([id], Keys(First + "\n").Ids);
        Assert.Equal(
            $"line 2 of the key file k has a key without an ID; write: ID KEY. The ID of this key was {id} while it was the only one",
            TokenKeys.Parse($"b {Second}\n{First}\n", "k").Failure);
    }

    [Theory]
    [InlineData("", "the key file k contains no key; make a key with: openssl rand -base64 32")]
    [InlineData("# later\n", "the key file k contains no key; make a key with: openssl rand -base64 32")]
    [InlineData("a b-c\n", "line 1 of the key file k has a key that is not base64; make a key with: openssl rand -base64 32")]
    [InlineData("\na AAAA", "line 2 of the key file k has a key of 3 bytes instead of 32; make a key with: openssl rand -base64 32")]
    [InlineData("a KEY\na KEY", "line 2 of the key file k has the ID a again; give each key its own ID")]
    [InlineData("a b KEY", "line 1 of the key file k has more than an ID and a key; write each key as: ID KEY")]
    [InlineData("a/b KEY", "line 1 of the key file k has an invalid ID; use up to 32 letters, digits, dots, dashes and underscores")]
    [InlineData("KEY KEY", "line 1 of the key file k has an invalid ID; use up to 32 letters, digits, dots, dashes and underscores")]
    [InlineData("KEY a", "line 1 of the key file k has a key that is not base64; make a key with: openssl rand -base64 32")]
    public void A_mistake_is_one_sentence_without_the_key(string text, string problem)
    {
        var failure = TokenKeys.Parse(text.Replace("KEY", First, StringComparison.Ordinal), "k").Failure;

        Assert.Equal(problem, failure);
        Assert.DoesNotContain(First, failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_file_that_every_user_can_read_is_a_warning()
    {
        var path = directory.Write("keys", First);
        Assert.Null(TokenKeys.Read(path).Value!.Warning);

        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

        Assert.Equal($"the key file {path} is open to every user (mode 0444); run: chmod 600 {path}", TokenKeys.Read(path).Value!.Warning);
        Assert.Contains("there is no file", TokenKeys.Read(directory["none"]).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Derived_keys_depend_on_the_first_key_and_on_the_purpose()
    {
        var keys = Keys($"a {First}");

        Assert.Equal(32, keys.Derive("links").Length);
        Assert.Equal(keys.Derive("links"), Keys($"b {First}\na {Second}").Derive("links"));
        Assert.NotEqual(keys.Derive("links"), keys.Derive("cookies"));
        Assert.NotEqual(keys.Derive("links"), Keys($"a {Second}").Derive("links"));
    }

    [Fact]
    public void The_fingerprint_differs_for_other_keys_IDs_and_orders() => Assert.Equal(4, new[]
    {
        Keys($"a {First}\nb {Second}"), Keys($"b {Second}\na {First}"), Keys($"a {First}\nb {First}"), Keys($"a {First}\nc {Second}"),
    }.Select(keys => keys.Fingerprint).Distinct().Count());

    [Fact]
    public async Task Several_threads_use_the_same_keys()
    {
        var keys = Keys(First);

        await Parallel.ForAsync(0, 200, TestContext.Current.CancellationToken, (number, _) =>
        {
            Assert.Equal($"token {number}", Text(keys.Open("home", keys.Seal("home", Encoding.UTF8.GetBytes($"token {number}")))));
            return default;
        });
    }

    private static TokenKeys Keys(string text)
    {
        var (keys, failure) = TokenKeys.Parse(text, "k");
        Assert.Null(failure);
        return keys!;
    }

    private static string Text(Result<byte[], string> opened)
    {
        Assert.Null(opened.Failure);
        return Encoding.UTF8.GetString(opened.Value!);
    }
}

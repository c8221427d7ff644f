using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token file with sealed content.</summary>
public sealed class SealedFileTests : IDisposable
{
    private const string LogIn = ", or move the file away and log in again";

    private static readonly string Key = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Other = Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray());

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private string TokenFile => directory["token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_plain_file_is_read_and_sealed_at_the_next_save()
    {
        directory.Write("token.json", """{"refresh_token":"refresh-0","note":"kept"}""");
        using var bench = await new TokenManagerBench(Sealed($"a {Key}"), time).Loaded();
        await bench.Visit();

        Assert.Matches(@"\Aoauth-exporter-sealed:v1:[0-9a-f]{8}:[A-Za-z0-9+/=]+\n\z", directory.Read("token.json"));
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
        using var next = await new TokenManagerBench(Sealed($"a {Key}"), time).Loaded();
        Assert.Equal(("access-1", "refresh-1"), (next.Access, next.Refresh));
        Assert.Equal("kept", next.State.Token!.Members.Text("note"));

        await next.WhenDue();
        Assert.Equal("refresh-1", next.Grant.ReceivedTokens.Single()?.RefreshToken?.Reveal());
        Assert.Equal(0, next.Snapshot.History.Adoptions);
    }

    [Fact]
    public async Task After_a_rotation_the_next_save_uses_the_new_key()
    {
        await Write($"a {Key}");
        var rotated = Sealed($"b {Other}\na {Key}");
        var held = Assert.IsType<ReadResult.Held>(await rotated.ReadAsync(Cancellation));

        Assert.IsType<WriteResult.Written>(await rotated.WriteAsync(held.Token, held.Stamp, Cancellation));

        Assert.IsType<ReadResult.Held>(await Sealed($"b {Other}").ReadAsync(Cancellation));
    }

    [Theory]
    [InlineData(null, "it is sealed with the key a; set token_key_file to the file with that key")]
    [InlineData("b", "it is sealed with the key a, which is not in the key file; add that key to the file")]
    [InlineData("a", "it is damaged, or the key file has another key with the ID a; restore the one that is wrong")]
    public async Task Without_its_key_the_file_is_unreadable_and_stays(string? id, string reason)
    {
        await Write($"a {Key}");
        var content = directory.Read("token.json");
        FileStore Open() => id is null ? TokenManagerBench.Plain(TokenFile, time) : Sealed($"{id} {Other}");
        using var bench = await new TokenManagerBench(Open(), time).Loaded();

        for (var visits = 0; visits < 3; visits++)
        {
            time.Advance(TimeSpan.FromMinutes(2));
            await bench.Visit();
        }
        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.Equal(reason + LogIn, bench.Snapshot.Unpersisted?.Reason);
        Assert.Equal(1, bench.Logs.Count($"{TokenFile} cannot be read: {reason}{LogIn}"));
        Assert.Equal(0, bench.Grant.Requests);
        Assert.Equal(content, directory.Read("token.json"));
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task It_is_used_when_the_key_is_back()
    {
        await Write($"a {Key}");
        Assert.IsType<ReadResult.Unreadable>(await Sealed($"b {Other}").ReadAsync(Cancellation));

        Assert.IsType<ReadResult.Held>(await Sealed($"b {Other}\na {Key}").ReadAsync(Cancellation));
    }

    [Fact]
    public async Task The_file_of_another_account_is_unreadable_and_stays()
    {
        await Write($"a {Key}");

        var result = await Sealed($"a {Key}", account: "work").ReadAsync(Cancellation);

        Assert.Equal(
            "it is sealed for another account; restore the account's name, or its own token" + LogIn,
            Assert.IsType<ReadResult.Unreadable>(result).Reason);
        Assert.Equal(["token.json"], directory.Names);
    }

    [Fact]
    public async Task A_logout_deletes_a_file_whose_key_is_lost()
    {
        await Write($"a {Key}");
        var store = Sealed($"b {Other}");

        Assert.IsType<WriteResult.Written>(await store.LogOutAsync(Cancellation));
        Assert.IsType<WriteResult.Written>(await store.WriteAsync(TokenManagerBench.Some(time), null, Cancellation));

        Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));
    }

    /// <summary>A sealed file must be set aside in exactly the cases in which a plain one is: without its key, nothing can be damaged.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_damaged_file_is_set_aside_with_and_without_its_key(bool hasKey)
    {
        await Write($"a {Key}");
        var content = directory.Read("token.json");
        directory.Write("token.json", content[..^8]);

        var damaged = Assert.IsType<ReadResult.Damaged>(await Sealed(hasKey ? $"a {Key}" : $"b {Other}").ReadAsync(Cancellation));

        Assert.Equal("it is sealed, and its checksum is wrong", damaged.Reason);
        Assert.Equal(content[..^8], File.ReadAllText(damaged.SetAside!));
    }

    [Fact]
    public async Task Every_prefix_and_every_changed_byte_leads_to_a_defined_state_without_a_token()
    {
        await Write($"a {Key}");
        var content = await File.ReadAllBytesAsync(TokenFile, Cancellation);
        for (var i = 0; i < content.Length - 1; i++)
        {
            var changed = content.ToArray();
            changed[i] ^= 1;
            foreach (var wrong in new[] { changed, content[..i] })
            {
                using var other = new TemporaryDirectory();
                await File.WriteAllBytesAsync(other["token.json"], wrong, Cancellation);
                var store = new FileStore(other["token.json"], [Format($"a {Key}", "home")], time);

                Assert.True(await store.ReadAsync(Cancellation) is ReadResult.Damaged or ReadResult.Unreadable, $"byte {i}");
                Assert.Equal(wrong, await File.ReadAllBytesAsync(Directory.GetFiles(other.Path).Single(), Cancellation));
            }
        }
    }

    [Fact]
    public async Task A_version_of_the_future_is_unreadable_and_stays()
    {
        directory.Write("token.json", "oauth-exporter-sealed:v2:anything\n");

        var result = Assert.IsType<ReadResult.Unreadable>(await Sealed($"a {Key}").ReadAsync(Cancellation));

        Assert.Equal("another version of this program sealed it; use that version" + LogIn, result.Reason);
        Assert.Equal(["token.json"], directory.Names);
    }

    [Fact]
    public async Task An_unfinished_write_in_place_is_restored_from_its_sealed_or_plain_backup()
    {
        await Write($"a {Key}");
        var content = directory.Read("token.json");
        foreach (var backup in new[] { content, """{"refresh_token":"refresh-0"}""" })
        {
            directory.Write("token.json", content[..^20] + new string('\0', 20));
            directory.Write(".token.json.backup", backup);

            var held = Assert.IsType<ReadResult.Held>(await Sealed($"a {Key}").ReadAsync(Cancellation));
            Assert.Equal("refresh-0", held.Token.RefreshToken!.Reveal());
        }
    }

    [Fact]
    public async Task An_old_backup_does_not_replace_a_file_without_its_key()
    {
        await Write($"a {Key}");
        directory.Write(".token.json.backup", """{"refresh_token":"spent"}""");

        Assert.IsType<ReadResult.Unreadable>(await Sealed($"b {Other}").ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_sealed_save_that_was_interrupted_before_its_rename_is_finished()
    {
        await Write($"a {Key}");
        File.Move(TokenFile, directory[".token.json.00000000000000000000000000000001.tmp"]);
        directory.Write("token.json", """{"refresh_token":"spent"}""");
        File.SetLastWriteTimeUtc(TokenFile, File.GetLastWriteTimeUtc(directory[".token.json.00000000000000000000000000000001.tmp"]));
        directory.Write("token.json.lock", $"1 {time.GetUtcNow():O}\n");
        var store = Sealed($"a {Key}");

        (await store.LockAsync(Cancellation)).Release();

        Assert.Equal("refresh-0", Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Fact]
    public void A_format_that_other_programs_share_cannot_be_sealed() => Assert.Throws<ArgumentException>(
        () => new SealedTokenFormat([new Exporter.Webex.DotEnvTokenFormat()], TokenKeys.Parse(Key, "k").Value!, "home"));

    private static SealedTokenFormat Format(string keys, string account) => new([new PlainTokenFormat()], TokenKeys.Parse(keys, "k").Value!, account);

    private FileStore Sealed(string keys, string account = "home") => new(TokenFile, [Format(keys, account)], time);

    private async Task Write(string keys) =>
        Assert.IsType<WriteResult.Written>(await Sealed(keys).WriteAsync(TokenManagerBench.Some(time), null, Cancellation));
}

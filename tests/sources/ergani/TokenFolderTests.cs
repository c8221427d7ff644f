using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The rules of the token folder, on a real disk.</summary>
public sealed class TokenFolderTests : IDisposable
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Loose = FolderMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The vector of the OxygenSuite package: username-password-TEST.</summary>
    private const string LegacyName = "8cbb2aae7794d029cee592f41dc710b80a8e233c160fdf4acaff7406afb42a87.json";

    private static readonly ErganiCredentials Credentials = new("username", new Secret("password"), ErganiEnvironment.Test);

    private readonly TemporaryFolder parent = new();

    private string FolderPath => parent["tokens"];

    private ErganiTokenFolder Folder => new(FolderPath, new ManualTime());

    public void Dispose() => parent.Dispose();

    [Theory]
    [InlineData("TEST")]
    [InlineData("PRODUCTION")]
    public async Task A_token_is_kept_in_a_file_of_the_known_shape(string environment)
    {
        var credentials = Credentials with { Environment = environment == "TEST" ? ErganiEnvironment.Test : ErganiEnvironment.Production };
        var token = Login.Held("yesterday", "tomorrow");

        Assert.IsType<Saved.Done>(await Folder.StoreOf(credentials).WriteAsync(token, null, Login.Cancellation));

        var kept = JsonNode.Parse(File.ReadAllText(Folder.FileOf(credentials)))!["token"]!;
        Assert.Equal("old-access", kept["accessToken"]!.GetValue<string>());
        Assert.Equal("old-refresh", kept["refreshToken"]!.GetValue<string>());
        Assert.Equal(token.ExpiresAt!.Value.ToUnixTimeSeconds(), kept["accessTokenExpiresAt"]!.GetValue<long>());
        Assert.Equal(token.RefreshExpiresAt!.Value.ToUnixTimeSeconds(), kept["refreshTokenExpiresAt"]!.GetValue<long>());
        Assert.Equal(token, Assert.IsType<Stored.Held>(await Folder.StoreOf(credentials).ReadAsync(Login.Cancellation)).Token);
    }

    [Fact]
    public void There_is_one_file_per_user_and_environment_and_a_new_password_keeps_it()
    {
        var file = Folder.FileOf(Credentials);

        Assert.Equal(file, Folder.FileOf(Credentials with { Password = new Secret("changed") }));
        Assert.NotEqual(file, Folder.FileOf(Credentials with { Username = "other" }));
        Assert.NotEqual(file, Folder.FileOf(Credentials with { Environment = ErganiEnvironment.Production }));
        // The key is the folder's own: elsewhere the same user has another name.
        Assert.NotEqual(Path.GetFileName(file), Path.GetFileName(new ErganiTokenFolder(parent["elsewhere"], new ManualTime()).FileOf(Credentials)));
    }

    [Fact]
    public async Task Folder_key_file_lock_and_token_are_for_the_owner()
    {
        var store = Folder.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        (await store.LockAsync(Login.Cancellation)).Release();

        Assert.Equal(FolderMode, File.GetUnixFileMode(FolderPath));
        var files = Directory.GetFiles(FolderPath);
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task What_is_looser_is_tightened_also_while_the_program_runs()
    {
        Directory.CreateDirectory(FolderPath);
        File.SetUnixFileMode(FolderPath, Loose);
        var store = Folder.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        Assert.Equal(FolderMode, File.GetUnixFileMode(FolderPath));

        File.SetUnixFileMode(FolderPath, Loose);
        File.SetUnixFileMode(Folder.FileOf(Credentials), AtomicFile.OwnerOnly | UnixFileMode.OtherRead);
        await store.ReadAsync(Login.Cancellation);

        Assert.Equal(FolderMode, File.GetUnixFileMode(FolderPath));
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(Folder.FileOf(Credentials)));
    }

    [Fact]
    public void Of_many_that_begin_at_once_all_use_one_key()
    {
        for (var round = 0; round < 100; round++)
        {
            var (path, names) = (Path.Combine(FolderPath, $"{round}"), new string[8]);
            Parallel.For(0, names.Length, i => names[i] = new ErganiTokenFolder(path, new ManualTime()).FileOf(Credentials));

            Assert.Single(names.Distinct());
            Assert.Single(Directory.GetFiles(path));
        }
    }

    [Fact]
    public async Task A_file_by_the_old_rule_is_copied_and_left()
    {
        Directory.CreateDirectory(FolderPath);
        var legacy = Path.Combine(FolderPath, LegacyName);
        const string content = """{"token":{"accessToken":"old","accessTokenExpiresAt":1795003600,"refreshToken":"older","refreshTokenExpiresAt":1795600000}}""";
        File.WriteAllText(legacy, content);

        var token = Assert.IsType<Stored.Held>(await Folder.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token;

        Assert.Equal("older", token.RefreshToken!.Reveal());
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1795600000), token.RefreshExpiresAt);
        Assert.Equal(content, File.ReadAllText(legacy));
        Assert.Equal(LegacyName, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("username-password-TEST")))}.json");
    }

    [Fact]
    public async Task It_is_not_copied_over_a_newer_token_nor_after_a_logout()
    {
        var store = Folder.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        File.WriteAllText(Path.Combine(FolderPath, LegacyName), """{"token":{"accessToken":"old"}}""");
        Assert.Equal("old-access", Assert.IsType<Stored.Held>(await Folder.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token.AccessToken!.Reveal());

        await store.SignOutAsync(Login.Cancellation);

        Assert.IsType<Stored.SignedOut>(await Folder.StoreOf(Credentials).ReadAsync(Login.Cancellation));
    }

    [Fact]
    public async Task Forgetting_all_removes_only_what_is_ours()
    {
        await Folder.StoreOf(Credentials).WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        await Folder.StoreOf(Credentials with { Username = "other" }).WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        string[] foreign = [LegacyName, "composer.json", "notes.txt"];
        foreach (var name in foreign)
        {
            File.WriteAllText(Path.Combine(FolderPath, name), "{}");
        }

        Assert.Equal((2, null), await Folder.ForgetAllAsync(Login.Cancellation));

        Assert.All(foreign, name => Assert.True(File.Exists(Path.Combine(FolderPath, name))));
        Assert.IsType<Stored.SignedOut>(await Folder.StoreOf(Credentials).ReadAsync(Login.Cancellation));
        Assert.Equal((0, null), await Folder.ForgetAllAsync(Login.Cancellation));
        Assert.Equal((0, null), await new ErganiTokenFolder(parent["nowhere"], new ManualTime()).ForgetAllAsync(Login.Cancellation));
    }

    [Theory]
    [InlineData("{\"token\":")]
    [InlineData("{\"token\":{}}")]
    [InlineData("[]")]
    public async Task A_corrupt_file_is_set_aside_and_there_is_a_login(string content)
    {
        var file = Folder.FileOf(Credentials);
        File.WriteAllText(file, content);
        using var login = new Login(store: Folder.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal("new-access", (await login.UseAsync())!.AccessToken!.Reveal());

        Assert.Equal(content, File.ReadAllText(Assert.Single(Directory.GetFiles(FolderPath, "*.corrupt-*"))));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_leaves_the_token_in_memory()
    {
        File.WriteAllText(FolderPath, "a file where the folder should be");
        using var login = new Login(store: Folder.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());

        Assert.NotNull(login.Keeper.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task A_folder_that_was_removed_comes_back_with_the_next_token()
    {
        using var login = new Login(store: Folder.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer("one"));
        await login.UseAsync();
        Directory.Delete(FolderPath, recursive: true);

        login.Expect(HttpStatusCode.OK, Login.Answer("two"));
        login.Time.Advance(TimeSpan.FromHours(4));
        Assert.Equal("two-access", (await login.UseAsync())!.AccessToken!.Reveal());

        Assert.Equal("two-refresh", Assert.IsType<Stored.Held>(await Folder.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token.RefreshToken!.Reveal());
    }
}

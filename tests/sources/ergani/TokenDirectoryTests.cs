using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The rules of the token directory, on a real disk.</summary>
public sealed class TokenDirectoryTests : IDisposable
{
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Loose = DirectoryMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The test vector of the OxygenSuite package: username-password-TEST.</summary>
    private const string LegacyName = "8cbb2aae7794d029cee592f41dc710b80a8e233c160fdf4acaff7406afb42a87.json";

    private static readonly ErganiCredentials Credentials = new("username", new Secret("password"), ErganiEnvironment.Test);

    private readonly TemporaryDirectory parent = new();

    private string DirectoryPath => parent["tokens"];

    private ErganiTokenDirectory Tokens => new(DirectoryPath, new ManualTime());

    public void Dispose() => parent.Dispose();

    [Fact]
    public void Missing_parents_get_mode_0700_as_well_whatever_the_umask_is()
    {
        _ = new ErganiTokenDirectory(parent["state/tokens"], new ManualTime()).FileOf(Credentials);

        Assert.Equal([DirectoryMode, DirectoryMode], new[] { "state", "state/tokens" }.Select(name => File.GetUnixFileMode(parent[name])));
    }

    [Theory]
    [InlineData("TEST")]
    [InlineData("PRODUCTION")]
    public async Task A_token_is_stored_in_the_known_shape(string environment)
    {
        var credentials = Credentials with { Environment = environment == "TEST" ? ErganiEnvironment.Test : ErganiEnvironment.Production };
        var token = Login.Held("yesterday", "tomorrow");

        Assert.IsType<WriteResult.Written>(await Tokens.StoreOf(credentials).WriteAsync(token, null, Login.Cancellation));

        var kept = JsonNode.Parse(File.ReadAllText(Tokens.FileOf(credentials)))!["token"]!;
        Assert.Equal("old-access", kept["accessToken"]!.GetValue<string>());
        Assert.Equal("old-refresh", kept["refreshToken"]!.GetValue<string>());
        Assert.Equal(token.ExpiresAt!.Value.ToUnixTimeSeconds(), kept["accessTokenExpiresAt"]!.GetValue<long>());
        Assert.Equal(token.RefreshExpiresAt!.Value.ToUnixTimeSeconds(), kept["refreshTokenExpiresAt"]!.GetValue<long>());
        Assert.Equal(token, Assert.IsType<ReadResult.Held>(await Tokens.StoreOf(credentials).ReadAsync(Login.Cancellation)).Token);
    }

    [Fact]
    public void There_is_one_file_per_user_and_environment_and_a_new_password_keeps_it()
    {
        var file = Tokens.FileOf(Credentials);

        Assert.Equal(file, Tokens.FileOf(Credentials with { Password = new Secret("changed") }));
        Assert.NotEqual(file, Tokens.FileOf(Credentials with { Username = "other" }));
        Assert.NotEqual(file, Tokens.FileOf(Credentials with { Environment = ErganiEnvironment.Production }));
        // Each directory has its own key, so that the same user has another file name.
        Assert.NotEqual(
            Path.GetFileName(file), Path.GetFileName(new ErganiTokenDirectory(parent["elsewhere"], new ManualTime()).FileOf(Credentials)));
    }

    [Fact]
    public async Task Directory_key_lock_and_token_are_private()
    {
        var store = Tokens.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        (await store.LockAsync(Login.Cancellation)).Release();

        Assert.Equal(DirectoryMode, File.GetUnixFileMode(DirectoryPath));
        var files = Directory.GetFiles(DirectoryPath);
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task A_looser_mode_is_tightened_also_while_the_program_runs()
    {
        Directory.CreateDirectory(DirectoryPath);
        File.SetUnixFileMode(DirectoryPath, Loose);
        var store = Tokens.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        Assert.Equal(DirectoryMode, File.GetUnixFileMode(DirectoryPath));

        File.SetUnixFileMode(DirectoryPath, Loose);
        File.SetUnixFileMode(Tokens.FileOf(Credentials), AtomicFile.OwnerOnly | UnixFileMode.OtherRead);
        await store.ReadAsync(Login.Cancellation);

        Assert.Equal(DirectoryMode, File.GetUnixFileMode(DirectoryPath));
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(Tokens.FileOf(Credentials)));
    }

    [Fact]
    public void Concurrent_starts_use_the_same_key()
    {
        for (var round = 0; round < 100; round++)
        {
            var (path, names) = (Path.Combine(DirectoryPath, $"{round}"), new string[8]);
            Parallel.For(0, names.Length, i => names[i] = new ErganiTokenDirectory(path, new ManualTime()).FileOf(Credentials));

            Assert.Single(names.Distinct());
            Assert.Single(Directory.GetFiles(path));
        }
    }

    [Fact]
    public async Task A_file_with_the_old_name_is_copied_and_stays()
    {
        Directory.CreateDirectory(DirectoryPath);
        var legacy = Path.Combine(DirectoryPath, LegacyName);
        const string content =
            """{"token":{"accessToken":"old","accessTokenExpiresAt":1795003600,"refreshToken":"older","refreshTokenExpiresAt":1795600000}}""";
        File.WriteAllText(legacy, content);

        var token = Assert.IsType<ReadResult.Held>(await Tokens.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token;

        Assert.Equal("older", token.RefreshToken!.Reveal());
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1795600000), token.RefreshExpiresAt);
        Assert.Equal(content, File.ReadAllText(legacy));
        Assert.Equal(LegacyName, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("username-password-TEST")))}.json");
    }

    [Fact]
    public async Task The_old_file_is_not_copied_over_a_newer_token_or_after_a_logout()
    {
        var store = Tokens.StoreOf(Credentials);
        await store.WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        File.WriteAllText(Path.Combine(DirectoryPath, LegacyName), """{"token":{"accessToken":"old"}}""");
        Assert.Equal(
            "old-access",
            Assert.IsType<ReadResult.Held>(await Tokens.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token.AccessToken!.Reveal());

        await store.LogOutAsync(Login.Cancellation);

        Assert.IsType<ReadResult.LoggedOut>(await Tokens.StoreOf(Credentials).ReadAsync(Login.Cancellation));
    }

    [Fact]
    public async Task Forgetting_all_removes_only_the_exporters_files()
    {
        await Tokens.StoreOf(Credentials).WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        await Tokens.StoreOf(Credentials with { Username = "other" }).WriteAsync(Login.Held("tomorrow"), null, Login.Cancellation);
        string[] foreign = [LegacyName, "composer.json", "notes.txt"];
        foreach (var name in foreign)
        {
            File.WriteAllText(Path.Combine(DirectoryPath, name), "{}");
        }

        Assert.Equal((2, null), await Tokens.ForgetAllAsync(Login.Cancellation));

        Assert.All(foreign, name => Assert.True(File.Exists(Path.Combine(DirectoryPath, name))));
        Assert.IsType<ReadResult.LoggedOut>(await Tokens.StoreOf(Credentials).ReadAsync(Login.Cancellation));
        Assert.Equal((0, null), await Tokens.ForgetAllAsync(Login.Cancellation));
        Assert.Equal((0, null), await new ErganiTokenDirectory(parent["nowhere"], new ManualTime()).ForgetAllAsync(Login.Cancellation));
    }

    [Theory]
    [InlineData("{\"token\":")]
    [InlineData("{\"token\":{}}")]
    [InlineData("[]")]
    public async Task A_corrupt_file_is_set_aside_and_causes_a_login(string content)
    {
        var file = Tokens.FileOf(Credentials);
        File.WriteAllText(file, content);
        using var login = new Login(store: Tokens.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal("new-access", (await login.UseAsync())!.AccessToken!.Reveal());

        Assert.Equal(content, File.ReadAllText(Assert.Single(Directory.GetFiles(DirectoryPath, "*.corrupt-*"))));
    }

    [Fact]
    public async Task A_directory_that_cannot_be_created_leaves_the_token_in_memory()
    {
        File.WriteAllText(DirectoryPath, "a file where the directory should be");
        using var login = new Login(store: Tokens.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());

        Assert.NotNull(login.TokenManager.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task A_removed_directory_is_created_again_with_the_next_token()
    {
        using var login = new Login(store: Tokens.StoreOf(Credentials));
        login.Expect(HttpStatusCode.OK, Login.Answer("one"));
        await login.UseAsync();
        Directory.Delete(DirectoryPath, recursive: true);

        login.Expect(HttpStatusCode.OK, Login.Answer("two"));
        login.Time.Advance(TimeSpan.FromHours(4));
        Assert.Equal("two-access", (await login.UseAsync())!.AccessToken!.Reveal());

        Assert.Equal(
            "two-refresh",
            Assert.IsType<ReadResult.Held>(await Tokens.StoreOf(Credentials).ReadAsync(Login.Cancellation)).Token.RefreshToken!.Reveal());
    }
}

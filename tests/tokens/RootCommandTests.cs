using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>
/// A command of root uses the files of a service, whose user may have planted links. The state directory is unreachable by path for the
/// service, as below <c>/var/lib/private</c>. Needs root; otherwise the tests are skipped.
/// </summary>
public sealed class RootCommandTests : IDisposable
{
    private const uint Service = 65534;
    private const uint AnotherService = 65533;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string VictimContent = """{"access_token":"of-root","refresh_token":"of-root"}""";

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    public RootCommandTests()
    {
        if (!Posix.IsRoot)
        {
            directory.Dispose();
            Assert.Skip("Only root can use the files of another user: run the tests as root.");
        }
        directory.Write("victim", VictimContent);
        Create("state", Service);
        CurrentStoreAccess.Value = StoreAccess.Command;
    }

    private string TokenFile => directory["state/token.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("token.json")]
    [InlineData("token.json.lock")]
    [InlineData("token.json.signed-out")]
    [InlineData("token.json.status")]
    [InlineData(".token.json.status-unfinished")]
    [InlineData(".token.json.backup")]
    [InlineData(".token.json.0123456789abcdef0123456789abcdef.tmp")]
    public async Task A_planted_link_changes_nothing_outside_the_directory(string name)
    {
        if (name != "token.json")
        {
            Plant("state/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), Service);
        }
        PlantLink($"state/{name}", directory["victim"], Service);

        using (var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded())
        {
            bench.Grant.Then(new Renewal.Transient(FailureKind.Network, "no connection"));
            await bench.TokenManager.RenewAsync(null, Cancellation);
            await bench.TokenManager.RenewAsync(null, Cancellation);
            await bench.TokenManager.ForgetAsync(Cancellation);
            await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);
            Assert.NotEqual("of-root", bench.Access);
        }

        Assert.Equal(VictimContent, directory.Read("victim"));
        Assert.Equal(((0u, 0u), OwnerOnly), (Posix.OwnerOf(directory["victim"]), File.GetUnixFileMode(directory["victim"])));
        Assert.Equal(["state", "victim"], directory.Names);
    }

    [Theory]
    [InlineData("token.json.in-store")]
    [InlineData(".token.json.in-store-unfinished")]
    public async Task A_planted_link_in_place_of_a_marker_changes_nothing_outside_the_directory(string name)
    {
        Plant("state/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), Service);
        PlantLink($"state/{name}", directory["victim"], Service);
        var store = TokenManagerBench.Plain(TokenFile, time);

        await store.MarkAsync(new StoreMarker("postgres://db", "home", time.GetUtcNow()), Cancellation);
        await store.RemoveMarkedAsync(Cancellation);
        await store.GiveBackAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.Equal(VictimContent, directory.Read("victim"));
        Assert.Equal(["state", "victim"], directory.Names);
    }

    [Fact]
    public async Task A_marker_belongs_to_the_service_which_reads_it()
    {
        Plant("state/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), Service);

        Assert.IsType<WriteResult.Written>(await TokenManagerBench.Plain(TokenFile, time)
            .MarkAsync(new StoreMarker("postgres://db", "home", time.GetUtcNow()), Cancellation));

        Assert.Equal(Service, Posix.OwnerOf(directory["state/token.json.in-store"])?.User);
    }

    [Fact]
    public async Task A_link_that_the_service_planted_is_named_with_its_owner()
    {
        PlantLink("state/token.json", directory["victim"], Service);

        var read = Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));

        Assert.Equal(
            $"{TokenFile} is a symbolic link of user {Service}, which root does not follow: name {directory["victim"]} instead", read.Reason);
    }

    [Fact]
    public async Task A_directory_that_is_a_link_of_the_service_is_not_followed()
    {
        Create("of-root", 0);
        PlantLink("state/inner", directory["of-root"], Service);

        var written = await TokenManagerBench.Plain(directory["state/inner/token.json"], time).WriteAsync(
            TokenManagerBench.Some(time), null, Cancellation);

        Assert.IsType<WriteResult.Failed>(written);
        Assert.Empty(Directory.GetFileSystemEntries(directory["of-root"]));
    }

    [Fact]
    public async Task A_link_of_root_is_followed_and_each_file_belongs_to_the_service()
    {
        PlantLink("linked.json", TokenFile, owner: 0);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(directory["linked.json"], time), time).Loaded();

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);
        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal("refresh-1", await bench.StoredRefresh());
        Assert.Equal(["token.json", "token.json.lock"], Names("state"));
        Assert.All(Directory.GetFiles(directory["state"]), file => Assert.Equal((Service, Service), Posix.OwnerOf(file)));
    }

    [Fact]
    public async Task A_link_of_root_that_the_service_could_have_moved_is_not_followed()
    {
        PlantLink("state/token.json", directory["victim"], owner: 0);

        var read = Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));

        Assert.Contains("is a symbolic link in a directory of another user, which root does not follow", read.Reason);
    }

    [Theory]
    [InlineData(".token.json.backup")]
    [InlineData("token.json")]
    public async Task In_a_directory_that_a_group_may_change_no_planted_file_is_read(string name)
    {
        Create("shared", owner: 0);
        File.SetUnixFileMode(directory["shared"], PrivateDirectory.OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute);
        Plant("shared/token.json", "damaged", Service);
        File.Delete(directory[$"shared/{name}"]);
        PlantLink($"shared/{name}", directory["victim"], Service);

        Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(directory["shared/token.json"], time).ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_pipe_does_not_block_a_command()
    {
        Plant("state/token.json", "damaged", Service);
        Assert.Equal(0, (await Peer.Run("mkfifo", [directory["state/.token.json.backup"]], default, Cancellation)).ExitCode);
        ChangeOwner("state/.token.json.backup", Service);

        Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));
    }

    [Fact]
    public void A_file_that_another_user_can_change_does_not_configure_a_command()
    {
        Plant("state/.env", "EXPORTER_CONFIG=planted.yml", owner: 0);
        Plant("service.env", "EXPORTER_CONFIG=planted.yml", Service);
        Plant("root.env", "EXPORTER_CONFIG=exporter.yml", owner: 0);

        Assert.Equal((false, false, true), (
            CurrentStoreAccess.Trusts(directory["state/.env"]), CurrentStoreAccess.Trusts(directory["service.env"]),
            CurrentStoreAccess.Trusts(directory["root.env"])));
        CurrentStoreAccess.Value = StoreAccess.Service;
        Assert.True(CurrentStoreAccess.Trusts(directory["state/.env"]));
    }

    [Fact]
    public void A_file_of_root_is_read_as_a_token_only()
    {
        Plant("state/app.env", "DB_PASSWORD=of-root", owner: 0);

        Assert.Throws<IOException>(() => AtomicFile.Read(directory["state/app.env"], 1000));
    }

    [Fact]
    public async Task Accounts_of_several_owners_are_renewed_in_one_run()
    {
        Create("other", AnotherService);
        foreach (var (name, owner) in new[] { ("state", Service), ("other", AnotherService) })
        {
            Plant($"{name}/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), owner);
            using var bench = await new TokenManagerBench(TokenManagerBench.Plain(directory[$"{name}/token.json"], time), time).Loaded();

            await bench.TokenManager.RenewAsync(null, Cancellation);

            Assert.Null(bench.Snapshot.Unpersisted);
            Assert.Contains("refresh-1", directory.Read($"{name}/token.json"));
            Assert.All(Directory.GetFiles(directory[name]), file => Assert.Equal((owner, owner), Posix.OwnerOf(file)));
        }
    }

    [Fact]
    public async Task A_file_of_root_in_the_directory_of_the_service_is_read_and_then_belongs_to_the_service()
    {
        Plant("state/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), owner: 0);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();
        Assert.Equal("access-0", bench.Access);

        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Contains("refresh-1", directory.Read("state/token.json"));
        Assert.Equal((Service, Service), Posix.OwnerOf(TokenFile));
    }

    [Fact]
    public async Task A_hard_link_to_a_file_of_root_is_not_read()
    {
        Posix.TryLink(directory["victim"], TokenFile);

        Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_file_of_a_third_user_is_not_replaced_and_the_reason_is_given()
    {
        Plant("state/token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)), AnotherService);
        File.SetUnixFileMode(TokenFile, OwnerOnly | UnixFileMode.OtherRead);

        var written = Assert.IsType<WriteResult.Failed>(await TokenManagerBench.Plain(TokenFile, time).WriteAsync(
            TokenManagerBench.Some(time, number: "1"), await Stamp(), Cancellation));

        Assert.Contains($"{TokenFile} belongs to another user than its directory: run the command as that user", written.Reason);
    }

    [Fact]
    public async Task Without_its_directory_there_is_no_token()
    {
        Assert.IsType<ReadResult.Empty>(
            await TokenManagerBench.Plain(directory["missing/token.json"], time).ReadAsync(Cancellation));
        Assert.Null(AtomicFile.Read(directory["missing/file"], 1));
    }

    [Fact]
    public async Task Messages_contain_the_real_path()
    {
        Plant("state/token.json", "not a token", Service);

        var damaged = Assert.IsType<ReadResult.Damaged>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));
        Assert.StartsWith($"{TokenFile}.corrupt-", damaged.SetAside);

        Plant("state/token.json", "{}", AnotherService);
        var unreadable = Assert.IsType<ReadResult.Unreadable>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation));
        Assert.Contains(TokenFile, unreadable.Reason);
    }

    [Fact]
    public async Task A_read_only_command_changes_nothing()
    {
        CurrentStoreAccess.Value = StoreAccess.ReadOnlyCommand;
        Plant("state/token.json", "not a token", Service);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(TokenFile, time), time).Loaded();

        Assert.IsType<WriteResult.Failed>(await bench.Store.WriteAsync(TokenManagerBench.Some(time), null, Cancellation));
        await bench.TokenManager.CloseAsync(Cancellation);

        Assert.Equal(["token.json"], Names("state"));
        Assert.Equal("not a token", directory.Read("state/token.json"));
    }

    [Fact]
    public void A_missing_directory_is_created_for_the_owner_of_its_parent()
    {
        PrivateDirectory.Create(directory["state/a/b"]);

        Assert.Equal((Service, Service), Posix.OwnerOf(directory["state/a/b"]));
        Assert.Equal(PrivateDirectory.OwnerOnly, File.GetUnixFileMode(directory["state/a"]));
    }

    private async Task<string> Stamp() =>
        Assert.IsType<ReadResult.Held>(await TokenManagerBench.Plain(TokenFile, time).ReadAsync(Cancellation)).Stamp;

    private IEnumerable<string?> Names(string name) => Directory.GetFiles(directory[name]).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private void Create(string name, uint owner)
    {
        Directory.CreateDirectory(directory[name]);
        ChangeOwner(name, owner);
    }

    private void Plant(string name, string content, uint owner)
    {
        directory.Write(name, content);
        ChangeOwner(name, owner);
    }

    private void PlantLink(string name, string target, uint owner)
    {
        File.CreateSymbolicLink(directory[name], target);
        ChangeOwner(name, owner);
    }

    private void ChangeOwner(string name, uint owner) => Assert.Equal(
        0, Peer.Run("chown", ["--no-dereference", $"{owner}:{owner}", directory[name]], default, Cancellation).GetAwaiter().GetResult().ExitCode);
}

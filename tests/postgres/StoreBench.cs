using System.Security.Cryptography;
using System.Text;
using Exporter.Postgres;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The real program over a real PostgreSQL, and a token file of the account <c>home</c> beside its configuration.</summary>
internal sealed class StoreBench : IAsyncDisposable
{
    private static readonly string Binary =
        Environment.GetEnvironmentVariable("EXPORTER_CLUSTER") ?? Path.Combine(AppContext.BaseDirectory, "oauth-exporter-cluster");

    private readonly TemporaryDirectory directory = new();

    private StoreBench(PostgresServer postgres, SandboxServer sandbox)
    {
        (Postgres, Sandbox) = (postgres, sandbox);
        Database = Database.Open(postgres.Options());
        Rows = new AccountRows(Database, "test");
        WriteKeys("first");
        directory.Write("exporter.yml", $"""
            accounts:
              home:
                source: oauth2
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_endpoint: {sandbox.Address}oauth2/token
                token_file: home.json
              work:
                source: oauth2
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_endpoint: {sandbox.Address}oauth2/token
                token_file: work.json
            """);
    }

    public PostgresServer Postgres { get; }

    public SandboxServer Sandbox { get; }

    public Database Database { get; }

    public AccountRows Rows { get; }

    public IReadOnlyList<string> Files => [.. directory.Names.Where(name => name.StartsWith("home.json", StringComparison.Ordinal))];

    public TokenKeys Keys => TokenKeys.Read(directory["keys"]).Value!;

    public FileStore File => new(directory["home.json"], [new PlainTokenFormat()], TimeProvider.System);

    public static StoreMarker Marker => new("127.0.0.1/exporter", "home", TimeProvider.System.GetUtcNow());

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<StoreBench> StartAsync()
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Stop);
        var bench = new StoreBench(await PostgresServer.StartAsync(Stop), sandbox);
        Assert.Null(await new Migrations(bench.Database, NullLogger<Migrations>.Instance).RunAsync(Stop));
        return bench;
    }

    /// <summary>Writes a key file. The first ID is the one that encrypts.</summary>
    public void WriteKeys(params string[] ids) => directory.Write("keys", string.Concat(ids.Select(
        id => $"{id} {Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}\n")));

    public void Write(string file, string content) => directory.Write(file, content);

    /// <summary>Logs in, and returns the token.</summary>
    public Token LogIn(string file = "home.json")
    {
        var issued = Sandbox.Netatmo.Login();
        var token = new Token
        {
            AccessToken = new Secret(issued.AccessToken),
            RefreshToken = new Secret(issued.RefreshToken),
            ExpiresAt = TimeProvider.System.GetUtcNow() + issued.ExpiresIn,
        };
        directory.Write(file, Encoding.UTF8.GetString(new PlainTokenFormat().Write(token, default)));
        return token;
    }

    /// <summary>Creates the row of an account, as an import does.</summary>
    public Task CreateAsync(Token token, string name = "home", TokenKeys? keys = null) => new AccountCatalog(Database).CreateAsync(
        [
            new NewRow(name, name, "oauth2", AccountRow.Seal(keys ?? Keys, name, token),
                new TokenProgress(new TokenState.Active(token, token.ExpiresAt!.Value, 0), "1", token.ExpiresAt)),
        ], Stop);

    public async Task<Token?> StoredAsync(string name = "home") =>
        await Rows.FindAsync(name, Stop) is { } row ? row.Progress(Keys).Value!.State.Token : null;

    public async Task<Token?> FiledAsync() => await File.ReadAsync(Stop) is ReadResult.Held held ? held.Token : null;

    /// <summary>Runs the cluster program.</summary>
    public Task<(int ExitCode, string Output, string Error)> StoreAsync(params string[] arguments) => RunAsync(Binary,
        ["store", .. arguments, "--config", directory["exporter.yml"], "--store", Postgres.Address, "--store-key-file", directory["keys"]]);

    /// <summary>Runs the home program.</summary>
    public Task<(int ExitCode, string Output, string Error)> HomeAsync(params string[] arguments) =>
        RunAsync(RunningExporter.Binary, [.. arguments, "--config", directory["exporter.yml"]]);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await Sandbox.DisposeAsync();
        await Postgres.DisposeAsync();
        directory.Dispose();
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string program, string[] arguments)
    {
        var (code, output, error) = await Peer.Run(program, arguments, default, Stop);
        return (code, Encoding.UTF8.GetString(output), error);
    }
}

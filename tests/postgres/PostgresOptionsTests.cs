using Exporter.Accounts;
using Exporter.Postgres;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The address of the shared store.</summary>
public sealed class PostgresOptionsTests
{
    private const string Form = "this must be an address like postgres://user@host:5432/database; several hosts are a parameter: ?host=a,b";
    private const string Password = "a password in the address is visible in process lists; set store_password_file instead";

    [Theory]
    [InlineData("exporter", Form)]
    [InlineData("https://exporter@db/exporter", Form)]
    [InlineData("postgres://exporter@db", Form)]
    [InlineData("postgres://exporter@db/", Form)]
    [InlineData("postgres:///exporter", Form)]
    [InlineData("postgres://exporter:hidden@db/exporter", Password)]
    [InlineData("postgres://exporter@db/exporter?password=hidden", Password)]
    [InlineData("postgres://exporter@db/exporter?Password=hidden", Password)]
    [InlineData("postgres://exporter@db/exporter?PWD=hidden", Password)]
    [InlineData("postgres://exporter@db/exporter?color=red",
        "color is no parameter of a connection, or its value is not allowed; use host, sslmode, sslrootcert, or a keyword of Npgsql")]
    [InlineData("postgres://exporter@db/exporter?sslmode=maybe",
        "sslmode is no parameter of a connection, or its value is not allowed; use host, sslmode, sslrootcert, or a keyword of Npgsql")]
    [InlineData("postgres://exporter@db/exporter?timeout=soon",
        "timeout is no parameter of a connection, or its value is not allowed; use host, sslmode, sslrootcert, or a keyword of Npgsql")]
    [InlineData("postgres://exporter@db/exporter?timeout=99999999999",
        "timeout is no parameter of a connection, or its value is not allowed; use host, sslmode, sslrootcert, or a keyword of Npgsql")]
    [InlineData("postgres://exporter@db/exporter?timeout",
        "timeout is no parameter of a connection, or its value is not allowed; use host, sslmode, sslrootcert, or a keyword of Npgsql")]
    [InlineData("postgres://exporter@db/exporter?minpoolsize=50",
        "the parameters of a connection contradict each other or are not supported; use host, sslmode or sslrootcert")]
    public void A_bad_address_is_one_sentence(string address, string problem)
    {
        var (options, problems) = Read(address);

        Assert.Null(options);
        var only = Assert.Single(problems);
        Assert.EndsWith(problem, only, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", only, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://exporter@db/exporter", "db", 5432, "exporter", "exporter", "db/exporter")]
    [InlineData("postgresql://ex%40porter@[::1]:6000/my%20tokens", "[::1]", 6000, "ex@porter", "my tokens", "[::1]/my tokens")]
    [InlineData("postgres://exporter@db/exporter?host=a,b&sslmode=verify-full", "a,b", 5432, "exporter", "exporter", "a,b/exporter")]
    public void An_address_names_the_server_the_user_and_the_database(
        string address, string host, int port, string user, string database, string location)
    {
        var (options, problems) = Read(address);

        Assert.Empty(problems);
        var connection = new Npgsql.NpgsqlConnectionStringBuilder(options!.ConnectionString);
        Assert.Equal((host, port, user, database, "s;'e\"cret"),
            (connection.Host, connection.Port, connection.Username, connection.Database, connection.Password));
        Assert.Equal((location, host.Contains(',', StringComparison.Ordinal), 100), (options.Location, options.HasSeveralHosts, options.InFlight));
    }

    private static (PostgresOptions? Options, IReadOnlyList<string> Problems) Read(string address)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("password", "s;'e\"cret\n");
        var source = new ScriptedSource(new FakeGrant(new ManualTime()));
        var yaml = directory.Write("exporter.yml", $"""
            store: '{address}'
            store_password_file: password
            store_key_file: keys
            accounts:
              fleet:
                source: scripted
            """);
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [yaml] };
        var configuration = Configuration.Load(PostgresOptions.All, [source.Settings], flags, new Dictionary<string, string>(), directory.Path);
        var options = PostgresOptions.Read(configuration.Program);
        return (options, [.. configuration.Problems.Select(problem => problem.ToString())]);
    }
}

using Npgsql;

namespace Exporter.Postgres;

/// <summary>The settings of the shared store. Immutable.</summary>
/// <param name="ConnectionString">For Npgsql. Contains the password.</param>
/// <param name="Location">The database without user and password, for messages.</param>
/// <param name="HasSeveralHosts">Whether the address lists a primary and its standbys.</param>
/// <param name="InFlight">The most renewals of this replica at a time.</param>
public sealed record PostgresOptions(string ConnectionString, string Location, bool HasSeveralHosts, string KeyFile, int InFlight)
{
    private static readonly Setting<Uri> Store = Settings.Of("store",
        "Address of the PostgreSQL database: postgres://USER@HOST/DATABASE.", ParseAddress, "URL", "--store", "EXPORTER_STORE");

    private static readonly Setting<Secret> Password = Settings.Secret("store_password",
        "Password of the database user.", "--store-password", variable: "EXPORTER_STORE_PASSWORD", mayEndWithBlanks: true);

    private static readonly Setting<string> Keys = Settings.Path("store_key_file",
        "File with the keys that encrypt tokens in the store. The first key encrypts, all decrypt.", "--store-key-file", "EXPORTER_STORE_KEY_FILE");

    private static readonly Setting<int> MostInFlight = Settings.Number("store_renewals_in_flight",
        "Maximum number of renewals of this replica at a time.", "--store-renewals-in-flight", "EXPORTER_STORE_RENEWALS_IN_FLIGHT", "100", 1, 1000);

    /// <summary>The declarations, for the command line and the configuration file.</summary>
    public static IReadOnlyList<Setting> All { get; } = [Store, Password, Keys, MostInFlight];

    private const string AddressForm =
        "this must be an address like postgres://user@host:5432/database; several hosts are a parameter: ?host=a,b";

    private const string NoPassword = "a password in the address is visible in process lists; set store_password_file instead";

    /// <summary>Null if a required setting is missing, which is then a problem of the section.</summary>
    public static PostgresOptions? Read(Section program)
    {
        var (address, keys) = (program.Require(Store), program.Require(Keys));
        if (address is null || keys is null)
        {
            return null;
        }
        var (connection, problem) = Connection(address, program.Find(Password)?.Reveal());
        if (problem is not null)
        {
            program.Problem(Store, problem);
            return null;
        }
        return new PostgresOptions(connection!.ConnectionString, $"{connection.Host}/{connection.Database}",
            connection.Host!.Contains(',', StringComparison.Ordinal), keys, program.Get(MostInFlight));
    }

    private static Result<Uri, string> ParseAddress(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql") || uri.AbsolutePath.Length < 2)
        {
            return AddressForm;
        }
        return uri.UserInfo.Contains(':', StringComparison.Ordinal) ? NoPassword : uri;
    }

    /// <summary>The parameters of the address have libpq's names, or Npgsql's.</summary>
    internal static Result<NpgsqlConnectionStringBuilder, string> Connection(Uri address, string? password)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port > 0 ? address.Port : NpgsqlConnection.DefaultPort,
            Database = Uri.UnescapeDataString(address.AbsolutePath[1..]),
            Username = Uri.UnescapeDataString(address.UserInfo),
            Password = password,
            ApplicationName = "oauth-exporter-cluster",
            // A database that does not answer must not hold a renewal for long, and the same statements repeat for years.
            Timeout = 5,
            CommandTimeout = 10,
            KeepAlive = 15,
            MaxPoolSize = 10,
            MaxAutoPrepare = 30,
            // No command leaves a setting in its session, and a reset costs more statements than the command.
            NoResetOnClose = true,
            // PostgreSQL reports success for a canceled commit that no synchronous standby has. So the answer after a timeout is not read.
            CancellationTimeout = -1,
        };
        foreach (var parameter in address.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = parameter.Split('=', 2) is [var key, var text] ? (key, Uri.UnescapeDataString(text)) : (parameter, "");
            try
            {
                builder[KeywordOf(name)] = value switch { "verify-full" => "VerifyFull", "verify-ca" => "VerifyCA", _ => value };
            }
            catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException or OverflowException)
            {
                return new(null, $"{Sanitize.Line(name)} is no parameter of a connection, or its value is not allowed; "
                    + "use host, sslmode, sslrootcert, or a keyword of Npgsql");
            }
        }
        if (builder.Password != password)
        {
            return NoPassword;
        }
        if (string.IsNullOrEmpty(builder.Host))
        {
            return AddressForm;
        }
        try
        {
            // Opens no connection.
            using var source = new NpgsqlSlimDataSourceBuilder(builder.ConnectionString).EnableTransportSecurity().Build();
            return builder;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            return "the parameters of a connection contradict each other or are not supported; use host, sslmode or sslrootcert";
        }
    }

    /// <summary>Npgsql's name of a parameter of libpq.</summary>
    private static string KeywordOf(string name) => name switch
    {
        "sslmode" => "SSL Mode",
        "sslrootcert" => "Root Certificate",
        "application_name" => "Application Name",
        _ => name,
    };
}

using System.Net;
using System.Text;
using Exporter.Postgres;
using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// Three replicas of the real program over a real PostgreSQL, with users of BMW at a broker that allows each user one connection. Each user has
/// one car, and all cars have one number.
/// </summary>
internal sealed class CarReplicas : IAsyncDisposable
{
    /// <summary>A car whose last values the API has, from long before its first message.</summary>
    private static readonly BmwProviderCar Parked = BmwProviderCar.Sample with
    {
        Telematics = new Dictionary<string, string>
        {
            ["vehicle.body.chargingPort.status"] = """{"value":"DISCONNECTED","unit":null,"timestamp":"2026-01-01T09:00:00Z"}""",
        },
    };

    private readonly TemporaryDirectory directory = new();

    private CarReplicas(PostgresServer postgres, SandboxServer sandbox) => (Postgres, Sandbox) = (postgres, sandbox);

    public static IReadOnlyList<string> Names { get; } = ["car-1", "car-2", "car-3"];

    public PostgresServer Postgres { get; }

    public SandboxServer Sandbox { get; }

    public BmwBroker Broker => Sandbox.Bmw.Broker!;

    /// <summary>The running replicas. A test that ends one removes it.</summary>
    public List<Replica> Running { get; } = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <param name="lifetime">Of access tokens and ID tokens.</param>
    public static async Task<CarReplicas> StartAsync(TimeSpan lifetime)
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Providers =
            [
                new BmwProviderOptions
                {
                    Stream = new IPEndPoint(IPAddress.Loopback, 0),
                    Lifetimes = new TokenLifetimes(lifetime, TimeSpan.FromDays(14), TimeSpan.FromMinutes(5)),
                    Cars = [Parked],
                    DailyCalls = 1000,
                },
            ],
        }, Stop);
        var replicas = new CarReplicas(await PostgresServer.StartAsync(Stop), sandbox);
        try
        {
            Replica.ConfigureCars(replicas.directory, sandbox);
            await replicas.SeedAsync();
            for (var i = 0; i < 3; i++)
            {
                replicas.Running.Add(await replicas.StartReplicaAsync());
            }
            return replicas;
        }
        catch
        {
            await replicas.DisposeAsync();
            throw;
        }
    }

    public Task<Replica> StartReplicaAsync() => Replica.StartAsync(directory, Postgres.Address, Stop);

    /// <summary>The replica that owns the stream of an account.</summary>
    public async Task<Replica> OwnerAsync(string account)
    {
        var holder = await Postgres.QueryAsync(
            $"select r.holder from reading r join account a on a.id = r.account where a.name = '{account}' and r.lock_until > now()", Stop);
        return Running.Single(replica => holder.EndsWith($"-{replica.ProcessId}", StringComparison.Ordinal));
    }

    /// <summary>The number of streams whose rows a replica holds.</summary>
    public async Task<int> HeldAsync(Replica replica) =>
        int.Parse(await Postgres.QueryAsync($"select count(*) from reading where holder like '%-{replica.ProcessId}'", Stop));

    /// <summary>Waits until a running replica owns each stream, it is connected to the broker, and the page of every replica says so.</summary>
    public async Task ConnectAsync()
    {
        await UntilAsync(async () => (await Task.WhenAll(Running.Select(HeldAsync))).Sum() == Names.Count);
        var topics = Names.Select(name => $"{UserOf(name)}/+").ToList();
        await UntilAsync(() => Task.FromResult(Broker.Subscriptions.Order(StringComparer.Ordinal).SequenceEqual(topics)));
        foreach (var name in Names)
        {
            await ShowAsync("bmw_mqtt_connected", name, "1");
        }
    }

    /// <summary>Sends a message of each car, and waits until the page of every replica has the value.</summary>
    public async Task DriveAsync(int kilometers)
    {
        foreach (var name in Names)
        {
            await SendAsync(name, Distance(kilometers));
            await ShowAsync("bmw_vehicle_odometer_meters", name, $"{kilometers}000");
        }
    }

    /// <summary>Sends a message of each car again and again, as while it drives, until the page of every replica has the value.</summary>
    public async Task KeepDrivingAsync(int kilometers)
    {
        foreach (var name in Names)
        {
            await UntilAsync(async () =>
            {
                await PublishAsync(name, Distance(kilometers));
                var values = await Task.WhenAll(Running.Select(replica => ValueAsync(replica, "bmw_vehicle_odometer_meters", name)));
                return values.All(value => value == $"{kilometers}000");
            });
        }
    }

    /// <summary>Sends a message of a car, which one connection receives.</summary>
    public async Task SendAsync(string name, string message) => Assert.Equal(1, await PublishAsync(name, message));

    /// <summary>Waits until the page of every replica has this value of an account.</summary>
    /// <param name="more">Another label of the series.</param>
    public async Task ShowAsync(string family, string account, string value, string more = "")
    {
        foreach (var replica in Running)
        {
            await UntilAsync(async () => await ValueAsync(replica, family, account, more) == value);
        }
    }

    /// <summary>The value of the only such series on the page of a replica; null without it.</summary>
    public static async Task<string?> ValueAsync(Replica replica, string family, string account, string more = "") =>
        (await replica.ScrapeAsync(Stop)).SingleOrDefault(line => line.StartsWith($"{family}{{", StringComparison.Ordinal)
            && line.Contains($"account=\"{account}\"", StringComparison.Ordinal) && line.Contains(more, StringComparison.Ordinal))?.Split(' ')[^1];

    /// <summary>The series of the cars on the page of a replica, without values.</summary>
    public static async Task<IReadOnlySet<string>> SeriesAsync(Replica replica) => (await replica.ScrapeAsync(Stop))
        .Where(line => line.StartsWith("bmw_", StringComparison.Ordinal)).Select(line => line[..line.LastIndexOf(' ')]).ToHashSet();

    public static async Task UntilAsync(Func<Task<bool>> reached)
    {
        while (!await reached())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Running)
        {
            await replica.DisposeAsync();
        }
        await Sandbox.DisposeAsync();
        await Postgres.DisposeAsync();
        directory.Dispose();
    }

    private static string UserOf(string name) => $"user-of-{name}";

    private static string Distance(int kilometers) => Car.Message(
        "vehicle.vehicle.travelledDistance", $"{kilometers}", "km", $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'}");

    private Task<int> PublishAsync(string name, string message) =>
        Broker.PublishAsync($"{UserOf(name)}/{Car.Electric}", Encoding.UTF8.GetBytes(message));

    /// <summary>Accounts with refresh tokens, as users import them: the first renewal is due at once, and gets the ID token.</summary>
    private async Task SeedAsync()
    {
        var keys = Replica.Keys(directory);
        await using var database = Database.Open(Postgres.Options());
        Assert.Null(await new Migrations(database, NullLogger<Migrations>.Instance).RunAsync(Stop));
        var now = TimeProvider.System.GetUtcNow();
        await new AccountCatalog(database).CreateAsync(
        [
            .. Names.Select(name =>
            {
                var token = new Token { RefreshToken = new Secret(Sandbox.Bmw.LoginOf(UserOf(name)).RefreshToken) };
                return new NewRow(name, "cars", "bmw-cardata", AccountRow.Seal(keys, name, token),
                    new TokenProgress(new TokenState.Active(token, now, 0), "1", now))
                { Readings = ReadingKind.Streamed };
            }),
        ], Stop);
    }
}

using System.Net;
using Exporter.Netatmo;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Reads the responses of testdata, and converts them to readings.</summary>
internal static class Responses
{
    public const string Scope = "read_station";

    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795000300);

    /// <summary>The responses that have a golden page and a golden presentation.</summary>
    public static TheoryData<string> Names { get; } = ["stations", "odd", "duplicates", "silent", "homecoachs"];

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "sources", "netatmo", "testdata", name));

    private static readonly ManualTime Time = new();

    private static readonly INetatmoApi Api = ProviderApi.Services(new NetatmoSource(), Time).GetRequiredService<INetatmoApi>();

    public static Result<StationsData, ApiFailure> Read(byte[] body, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var network = new OneAnswer(status, body);
        var pending = Api.GetStationsData(new StubAccount(network, "http://provider.test/"), "false", CancellationToken.None);
        while (!pending.IsCompleted)
        {
            // The response is complete, so this only skips the delays of retries.
            Time.Advance(TimeSpan.FromSeconds(1));
            Thread.Yield();
        }
        using var response = pending.GetAwaiter().GetResult();
        return NetatmoResponses.Read(response, Scope, Time);
    }

    public static NetatmoReading Reading(params string[] names) => Reading([.. names.Select(n => Data(Bytes(n)))]);

    public static NetatmoReading Reading(byte[] body) => Reading(Data(body));

    public static NetatmoReading Reading(params IReadOnlyList<StationsData> data) =>
        Results.Value(NetatmoReading.From(data, new SeriesLimit(1_000_000)));

    private static StationsData Data(byte[] body) => Results.Value(Read(body));
}

using System.Net;
using Exporter.Netatmo;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Answers of the API from testdata, and the way from one to a reading.</summary>
internal static class Answers
{
    public const string Scope = "read_station";

    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795000300);

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "sources", "netatmo", "testdata", name));

    public static ApiAnswer<StationsData> Read(byte[] body, HttpStatusCode status = HttpStatusCode.OK) => NetatmoAnswer.Read(status, body, Scope, retryAfter: null);

    public static NetatmoReading Reading(params string[] names) => NetatmoReading.From([.. names.Select(n => Data(Bytes(n)))]);

    public static NetatmoReading Reading(byte[] body) => NetatmoReading.From(Data(body));

    private static StationsData Data(byte[] body) => Assert.IsType<ApiAnswer<StationsData>.Success>(Read(body)).Value;
}

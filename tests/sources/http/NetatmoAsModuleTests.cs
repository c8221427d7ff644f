using System.Net;
using System.Text;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tests.Netatmo;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>A module gives the series of the source netatmo from the same answers, with the prefix weather instead of netatmo.</summary>
public class NetatmoAsModuleTests
{
    private static readonly string File = Path.Combine(Golden.Root, "sources/http/testdata/weather.yml");

    [Fact]
    public async Task Real_stations_have_the_same_series()
    {
        var (source, module) = await SeriesAsync("stations.json");
        Assert.Equal(source, module);
        Assert.True(source.Count > 50, $"{source.Count} series");
    }

    /// <summary>The README of the source http lists what differs: the source repairs what Netatmo sends wrong, and the module shows it.</summary>
    [Fact]
    public async Task Two_modules_with_one_name_are_told_apart_by_the_source_only()
    {
        var (source, module) = await SeriesAsync("duplicates.json");
        Assert.Empty(module.Select(Name).Except(source.Select(Name)));
        Assert.True(module.Count < source.Count, $"{module.Count} of {source.Count} series");

        static string Name(string line) => line[..line.IndexOf('{', StringComparison.Ordinal)];
    }

    private static async Task<(IReadOnlyList<string> Source, IReadOnlyList<string> Module)> SeriesAsync(string answer)
    {
        var (body, time) = (Responses.Bytes(answer), new ManualTime(Responses.Now));
        var source = NetatmoMetrics.From(Responses.Reading(answer), new NetatmoMetricsOptions(TimeSpan.FromHours(1)), Responses.Now)
            .SelectMany(family => family.Samples.Select(sample => $"{family.Name}{sample.Labels} {FormulaValue.Text(sample.Value)}"));
        using var http = new StubHttp().Expect(HttpStatusCode.OK, Encoding.UTF8.GetString(body));
        var reader = Modules.Reader(Modules.Parse(await System.IO.File.ReadAllTextAsync(File, TestContext.Current.CancellationToken)), http, time);
        var reading = Results.Value(await reader.ReadAsync(TestContext.Current.CancellationToken));
        var module = Modules.Lines(reading, Responses.Now).Select(line => line.Replace("weather_", "netatmo_", StringComparison.Ordinal));
        return ([.. source.Order(StringComparer.Ordinal)], [.. module.Order(StringComparer.Ordinal)]);
    }
}

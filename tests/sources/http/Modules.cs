using System.Text;
using Exporter.Accounts;
using Exporter.Http;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>Modules and readers for tests.</summary>
internal static class Modules
{
    /// <summary>A module with one request to <c>/things</c> and the series below it.</summary>
    public const string Things = """
        module: shop
        about: Things.
        api: https://api.example/v1
        interval: 10m
        requests:
          things: {get: /things}
        series:
          - from: things
            for: {thing: $answer.items}
            labels: {name: $thing.name}
            metrics:
              shop_price_celsius: {value: $thing.price, help: A price.}
        """;

    public static Module Parse(string yaml, params (string Name, string Value)[] settings)
    {
        var file = ModuleFile.Parse("shop.yml", yaml);
        var module = file.Bind(settings.ToDictionary(setting => setting.Name, setting => setting.Value));
        Assert.True(module is not null, string.Join('\n', file.Problems.All));
        return module;
    }

    /// <summary>The mistakes of a module file, a line each.</summary>
    public static IReadOnlyList<string> Mistakes(string yaml)
    {
        var file = ModuleFile.Parse("shop.yml", yaml);
        var module = file.Bind(new Dictionary<string, string>());
        Assert.Equal(module is null, file.Problems.All.Count > 0);
        return [.. file.Problems.All.Select(problem => problem.ToString())];
    }

    public static HttpReader Reader(
        Module module, StubHttp http, ManualTime time, int mostSeries = 20_000, IRequestBudget? budget = null) => new(
        module, new HttpApi(module, http.Client, null, null, ["read"], time) { Budget = budget }, new SeriesLimit(mostSeries), time, NullLogger.Instance);

    /// <summary>The metrics of a reading, a line for each series.</summary>
    public static IReadOnlyList<string> Lines(HttpReading reading, DateTimeOffset now) =>
        [.. from family in HttpMetrics.From(reading, now).Families
            from sample in family.Samples
            where family.Name != HttpMetrics.Duplicates
            select $"{family.Name}{sample.Labels} {FormulaValue.Text(sample.Value)}"];

    /// <summary>The reading of a module whose only request has this answer.</summary>
    public static async Task<HttpReading> ReadAsync(string yaml, string answer, ManualTime? time = null)
    {
        using var http = new StubHttp().Expect(System.Net.HttpStatusCode.OK, answer);
        var module = Parse(yaml);
        return Results.Value(await Reader(module, http, time ?? new ManualTime()).ReadAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>A module whose series are these lines of YAML, below <c>series:</c>.</summary>
    public static string WithSeries(string series, string requests = "things: {get: /things}") => new StringBuilder("""
        module: shop
        about: Things.
        api: https://api.example/v1
        requests:

        """).Append(Indented(requests)).Append("series:\n").Append(Indented(series)).ToString();

    private static string Indented(string lines) => string.Concat(lines.Split('\n').Select(line => $"  {line}\n"));
}

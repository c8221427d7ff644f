using System.Text;
using Exporter.BmwCarData;
using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Microsoft.Playwright;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>The start page of the real program with an account of every source, one of them a car that sends every key.</summary>
[Trait("Suite", "slow")]
public sealed class PageOfAllSourcesTests(Chromium chromium) : IClassFixture<Chromium>
{
    /// <summary>In bytes. A phone on a mobile network loads the page once a minute.</summary>
    private const int LargestCompressedPage = 40_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_source_is_a_card_and_the_page_stays_small()
    {
        using var directory = new TemporaryDirectory();
        var examples = ExampleAccounts.All;
        var options = new SandboxOptions { Providers = [.. examples.Select(example => example.Provider).OfType<ProviderOptions>()] };
        await using var sandbox = await SandboxServer.StartAsync(options, Cancellation);
        var file = directory.Write("exporter.yml", ExampleAccounts.Configure(examples, sandbox, directory));
        await using var exporter = await RunningExporter.StartAsync(["--config", file, "-a", "127.0.0.1:0"], Cancellation);
        await ExampleAccounts.ReadAsync(exporter, examples.Count(example => example.Reads), Cancellation);
        foreach (var example in examples)
        {
            await example.SendAsync(sandbox, Cancellation);
        }
        var keys = BmwVehicleMetrics.All.SelectMany(metric => metric.Keys.Select(key => (metric, key.Key))).DistinctBy(one => one.Key).ToList();
        await sandbox.Bmw.Broker!.PublishAsync($"{sandbox.Bmw.Gcid}/{BmwProviderCar.Sample.Vin}", Message(keys.Take(150)));

        await using var tab = await chromium.OpenAsync(exporter.Http.BaseAddress!);
        var car = tab.Page.GetByRole(AriaRole.Region, new() { Name = "car", Exact = true });
        await car.GetByText("More about").First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        while (!(await car.InnerHTMLAsync()).Contains("Tire temperature", StringComparison.Ordinal))
        {
            Cancellation.ThrowIfCancellationRequested();
            await tab.Page.ReloadAsync();
        }
        // Accounts without a problem are folded, because there are more than a few.
        await car.Locator("summary").First.ClickAsync();
        await car.GetByText("More about").First.ClickAsync();
        await tab.CaptureAsync("all-sources");

        using var request = new HttpRequestMessage(HttpMethod.Get, exporter.Http.BaseAddress);
        request.Headers.Add("Accept-Encoding", "gzip");
        using var response = await exporter.Http.SendAsync(request, Cancellation);
        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        var size = (await response.Content.ReadAsByteArrayAsync(Cancellation)).Length;
        TestContext.Current.TestOutputHelper?.WriteLine($"{size} bytes, {await tab.Page.EvaluateAsync<int>("document.documentElement.outerHTML.length")} characters");
        Assert.InRange(size, 2_000, LargestCompressedPage);
    }

    private static byte[] Message(IEnumerable<(BmwMetric Metric, string Key)> keys)
    {
        var now = $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'}";
        var data = string.Join(",", keys.Select(one => $$"""
            "vehicle.{{one.Key}}": {"timestamp": "{{now}}", "value": {{Value(one.Metric)}}}
            """));
        return Encoding.UTF8.GetBytes($$"""{"vin": "{{BmwProviderCar.Sample.Vin}}", "timestamp": "{{now}}", "data": { {{data}} } }""");
    }

    private static string Value(BmwMetric metric) => metric switch
    {
        BmwMetric.Measurement { Quantity: var quantity } => $"7, \"unit\": \"{BmwMetricsTests.Unit(quantity)}\"",
        BmwMetric.Phases => "3",
        BmwMetric.Timestamp => "\"21.11.2026 10:00 UTC\"",
        BmwMetric.TimeOfDay => "\"10:00\"",
        _ => "\"OPEN\"",
    };
}

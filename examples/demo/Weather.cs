using System.Text.Json.Nodes;
using Exporter.Sandbox;

namespace Exporter.Demo;

/// <summary>Changes the sandbox's weather continuously, so that there is something to watch.</summary>
internal sealed class Weather(NetatmoProvider provider, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    /// <summary>How far each value swings around that of the sample, and the period in minutes.</summary>
    private static readonly (string Name, double Swing, double Minutes)[] Swings =
    [
        ("Temperature", 0.6, 4), ("Humidity", 3, 7), ("CO2", 60, 5), ("Noise", 4, 1.5), ("Pressure", 0.8, 9), ("WindStrength", 6, 2),
        ("WindAngle", 25, 3),
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stream = typeof(Weather).Assembly.GetManifestResourceStream("small.json")!;
        using var reader = new StreamReader(stream);
        var sample = await reader.ReadToEndAsync(stoppingToken);
        while (true)
        {
            provider.Stations = NetatmoSample.FromJson(Now(sample));
            await Task.Delay(Step, time, stoppingToken);
        }
    }

    private string Now(string sample)
    {
        var response = JsonNode.Parse(sample)!;
        var minutes = time.GetUtcNow().TimeOfDay.TotalMinutes;
        foreach (var station in response["body"]!["devices"]!.AsArray())
        {
            foreach (var (index, module) in station!["modules"]!.AsArray().Prepend(station).Index())
            {
                Swing(module!["dashboard_data"]!.AsObject(), minutes, index);
            }
        }
        return response.ToJsonString();
    }

    private static void Swing(JsonObject measured, double minutes, int phase)
    {
        foreach (var (name, swing, period) in Swings)
        {
            if (measured[name] is JsonValue value)
            {
                measured[name] = Math.Round(value.GetValue<double>() + swing * Math.Sin(minutes / period * Math.Tau + phase), 1);
            }
        }
    }
}

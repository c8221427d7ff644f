using System.Globalization;
using System.Net;
using BenchmarkDotNet.Running;
using Exporter.Bench;

// load.sh uses the commands. Without one, BenchmarkDotNet runs with its own arguments.
switch (args)
{
    case ["kestrel", var address]:
        await Baseline.RunAsync(address);
        return 0;
    case ["first", var page, .. var program]:
        Console.WriteLine(await FirstResponse.MillisecondsAsync(new Uri(page), program));
        return 0;
    case ["provider", var listen, var directory, "busy" or "idle"]:
        await BusyProvider.RunAsync(IPEndPoint.Parse(listen), directory, args[^1] == "busy");
        return 0;
    case ["accounts", var count]:
        Console.WriteLine(await ManyAccounts.MeasureAsync(int.Parse(count, CultureInfo.InvariantCulture)));
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(MetricsCacheBenchmarks).Assembly).Run(args);
        return 0;
}

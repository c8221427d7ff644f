using System.Globalization;
using System.Net;
using BenchmarkDotNet.Running;
using Exporter.Bench;

// Without one of these words, BenchmarkDotNet with its own arguments; load.sh uses the words.
switch (args)
{
    case ["kestrel", var address]:
        await Baseline.AnswerAsync(address);
        return 0;
    case ["first", var page, .. var program]:
        Console.WriteLine(await FirstAnswer.MillisecondsAsync(new Uri(page), program));
        return 0;
    case ["provider", var listen, var directory, "busy" or "rest"]:
        await BusyProvider.RunAsync(IPEndPoint.Parse(listen), directory, args[^1] == "busy");
        return 0;
    case ["accounts", var count]:
        Console.WriteLine(await ManyAccounts.MeasureAsync(int.Parse(count, CultureInfo.InvariantCulture)));
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(MetricsCacheBenchmarks).Assembly).Run(args);
        return 0;
}

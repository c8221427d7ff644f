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
    case ["cloud", var listen, var folder, "busy" or "rest"]:
        await BusyCloud.RunAsync(IPEndPoint.Parse(listen), folder, args[^1] == "busy");
        return 0;
    case ["accounts", var count]:
        Console.WriteLine(await ManyAccounts.MeasureAsync(int.Parse(count, CultureInfo.InvariantCulture)));
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(ExpositionBenchmarks).Assembly).Run(args);
        return 0;
}

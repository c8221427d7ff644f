using BenchmarkDotNet.Running;
using Exporter.Bench;

// Without one of the two words, BenchmarkDotNet with its own arguments; load.sh uses the words.
switch (args)
{
    case ["kestrel", var address]:
        await Baseline.AnswerAsync(address);
        return 0;
    case ["first", var page, .. var program]:
        Console.WriteLine(await FirstAnswer.MillisecondsAsync(new Uri(page), program));
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(ExpositionBenchmarks).Assembly).Run(args);
        return 0;
}

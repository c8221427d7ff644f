using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace Exporter.Http;

/// <summary>The commands for people who write a module.</summary>
/// <param name="secrets">Texts that no recorded file may contain.</param>
internal sealed class HttpCommands(Module module, IModuleApi api, AccountContext context, Func<IReadOnlyList<string>> secrets)
{
    private static readonly SourceCommand TryCommand = new(
        ["http", "try"], "Show the requests and the metrics of a module, with saved answers instead of the API.")
    {
        Arguments =
        [
            new("MODULE", "Module file, or the name of a module of the program."),
            new("ANSWER", "Files named after requests, such as zones.json, or directories of them.", IsRequired: false, IsRepeated: true),
        ],
        Examples = ["oauth-exporter http try depot.yml sites.json zones.json zones-2.json", "oauth-exporter http try tado recorded"],
        RunAsync = TryAsync,
    };

    private static readonly SourceCommand SchemaCommand = new(["http", "schema"], "Print the JSON Schema of a module file, for your editor.")
    {
        Examples = ["oauth-exporter http schema > module.schema.json"],
        RunAsync = (call, _) =>
        {
            call.Terminal.Output.Write(Encoding.UTF8.GetString(ModuleJsonSchema.Write()));
            return Task.FromResult(ExitCode.Done);
        },
    };

    private static readonly SourceCommand RecordCommand = new(
        ["http", "record"], "Send the requests of an account once, and save the answers without secrets.")
    {
        Arguments = [new("DIRECTORY", "Where to save the answers.")],
        Examples = ["oauth-exporter http record recorded --account home"],
    };

    public static IReadOnlyList<SourceCommand> All { get; } = [TryCommand, RecordCommand, SchemaCommand];

    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Handlers =>
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> { [RecordCommand] = RecordAsync };

    private static async Task<int> TryAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var name = call.Value("MODULE")!;
        var (text, problem) = Recipes.Find(name) is { } recipe && !File.Exists(name) ? new(recipe, null) : SmallFile.Read(name, YamlFile.Largest);
        if (text is null)
        {
            return call.Terminal.Fail($"{name}: {problem}; name a module file, or one of {string.Join(", ", Recipes.Names)}.");
        }
        var file = ModuleFile.Parse(Path.GetFileName(name), text);
        var module = file.Bind(SampleValues(file));
        foreach (var line in file.Problems.Warnings.Select(warning => $"warning: {warning}").Concat(file.Problems.All.Select(one => one.ToString())))
        {
            call.Terminal.Error.WriteLine(line);
        }
        if (module is null)
        {
            return ExitCode.Failed;
        }
        var (answers, wrong) = SavedAnswers.Open(module, call.Repeated, call.Terminal.Output);
        return answers is null
            ? call.Terminal.Fail($"{wrong}.")
            : await ShowAsync(new HttpReader(module, answers, SeriesLimit.Default, call.Time, NullLogger.Instance), call, cancellationToken);
    }

    private async Task<int> RecordAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code)
        {
            return code;
        }
        var recording = new Recording(api, call.Value("DIRECTORY")!, secrets());
        try
        {
            var reader = new HttpReader(module, recording, context.Series, context.Time, NullLogger.Instance);
            var exitCode = await ShowAsync(reader, call, cancellationToken);
            recording.Complete();
            call.Terminal.Error.WriteLine(
                $"Saved {string.Join(", ", recording.Files)}. Look through the files before you share them: they may contain personal data.");
            return exitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return call.Terminal.Fail($"An answer cannot be saved: {e.Message}.");
        }
    }

    /// <summary>Prints the metrics of one reading, and what was absent.</summary>
    private static async Task<int> ShowAsync(HttpReader reader, CommandCall call, CancellationToken cancellationToken)
    {
        var (reading, failure) = await reader.ReadAsync(cancellationToken);
        if (reading is null)
        {
            return call.Terminal.Fail(failure!.Reason);
        }
        var metrics = HttpMetrics.From(reading, call.Time.GetUtcNow());
        var page = new ArrayBufferWriter<byte>();
        new MetricsPage(ExpositionFormat.PrometheusText, gzip: false, EncodedMetrics.Of(new FamilyGroup(LabelSet.Empty, metrics.Families)))
            .WriteTo(page);
        call.Terminal.Output.Write(Encoding.UTF8.GetString(page.WrittenSpan));
        foreach (var (metric, count) in reading.Absent)
        {
            call.Terminal.Output.WriteLine($"# absent: {metric} has no value {(count == 1 ? "once" : $"{count} times")}");
        }
        foreach (var notice in reading.Notices)
        {
            call.Terminal.Output.WriteLine($"# {notice}");
        }
        return ExitCode.Done;
    }

    /// <summary>Values for settings without a default. An address is recognized by its place, so the sample is one.</summary>
    private static Dictionary<string, string> SampleValues(ModuleFile file) => file.Settings.Where(setting => setting.Default is null)
        .ToDictionary(setting => setting.Name, setting => setting.Choices.Count > 0 ? setting.Choices[0]
            : $"https://{setting.Name.Replace('_', '-')}.example");
}

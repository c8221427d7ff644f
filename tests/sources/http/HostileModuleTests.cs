using System.Net;
using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>A hostile module or answer ends in a failure with a sentence. The benchmark of modules measures their time and memory.</summary>
public class HostileModuleTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>The module, the answer and the failure.</summary>
    public static TheoryData<string, string, string> Answers { get; } = new()
    {
        { Modules.Things, new string('[', 100_000), "shop's answer is not JSON" },
        {
            Modules.Things.Replace("{thing: $answer.items}", "{thing: $answer, other: $answer}", StringComparison.Ordinal),
            $"[{string.Join(',', Enumerable.Range(0, 3000))}]",
            "The module shop cannot evaluate the answers: the formulas need more than 5000000 steps"
        },
        {
            Modules.Things.Replace("$thing.price", "\"replace(replace(replace($thing.name, '', $thing.name), '', $thing.name), '', $thing.name)\"", StringComparison.Ordinal),
            $$"""{"items": [{"name": "{{new string('x', 60)}}"}]}""",
            "a formula makes a text of more than 65536 characters"
        },
        {
            Modules.Things.Replace("$thing.name}", "key($thing)}", StringComparison.Ordinal),
            $$"""{"items": [{{string.Join(',', Enumerable.Repeat("{\"price\":1}", 30_000))}}]}""",
            "The reading has at least 20001 series"
        },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task An_answer_is_a_failure(string module, string answer, string expected)
    {
        using var network = new StubHttp().Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, answer));
        var failure = Results.Failure(await Modules.Reader(Modules.Parse(module), network, new ManualTime()).ReadAsync(CancellationToken));
        Assert.Contains(expected, failure.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pattern_without_an_end_is_matched_in_time_proportional_to_the_text()
    {
        var reading = await Modules.ReadAsync(
            Modules.Things.Replace("$thing.price", "\"$thing.name =~ '^(a+)+$' ? 1 : 0\"", StringComparison.Ordinal),
            $$"""{"items": [{"name": "{{new string('a', 60_000)}}!"}]}""");
        Assert.Equal(0, Assert.Single(Assert.Single(reading.Series).Samples).Value);
    }

    [Fact]
    public void A_file_that_is_nested_or_large_is_a_mistake()
    {
        Assert.Single(Modules.Mistakes(new string('[', 100_000)));
        Assert.Single(Modules.Mistakes("a: " + new string('{', 100_000)));
        Assert.NotEmpty(Modules.Mistakes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"key{i}: x\n"))));
        Assert.NotEmpty(Modules.Mistakes(Modules.Things + string.Concat(Enumerable.Range(0, 5_000).Select(i => $"      shop_m{i}: {{value: $x}}\n"))));
    }

    /// <summary>Every prefix of a module, and every line without another one, is a module or has mistakes; nothing fails in another way.</summary>
    [Fact]
    public async Task No_text_makes_the_parser_fail_in_another_way()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Golden.Root, "sources/http/testdata/weather.yml"), CancellationToken);
        for (var length = 0; length < text.Length; length += 7)
        {
            Modules.Mistakes(text[..length]);
        }
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            Modules.Mistakes(string.Join('\n', lines.Where((_, at) => at != i)));
        }
        var random = new Random(20);
        for (var i = 0; i < 2000; i++)
        {
            var changed = new StringBuilder(text);
            for (var change = 0; change < 5; change++)
            {
                changed[random.Next(changed.Length)] = "{}[]:,'\"$#&*!|>-? \n\t0a"[random.Next(22)];
            }
            Modules.Mistakes(changed.ToString());
        }
    }
}

using System.Text;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>What formulas select and compute.</summary>
public class FormulaTests
{
    private const string Json = """
        {"name": "Home", "rooms": [{"id": 1, "name": "Hall", "t": 20.5, "on": true}, {"id": 2, "name": "Bath", "t": null, "on": false}],
         "zones": {"a": {"x": 1}, "b": {"x": 2}}, "n": 3, "text": "12.5", "empty": "", "big": 12345678901234567890, "sdm.devices": {"t": 7}, "0": "zero"}
        """;

    [Theory]
    [InlineData("name", "Home")]
    [InlineData("@.name", "Home")]
    [InlineData("rooms[0].name", "Hall")]
    [InlineData("rooms[-1].name", "Bath")]
    [InlineData("rooms[2].name", null)]
    [InlineData("rooms[0.5].name", null)]
    [InlineData("rooms['0']", null)]
    [InlineData("zones['b'].x", "2")]
    [InlineData("zones.b.x.y", null)]
    [InlineData("'0'", "0")]
    [InlineData("@['0']", "zero")]
    [InlineData("@.'sdm.devices'.t", "7")]
    [InlineData("rooms[1].t", null)]
    [InlineData("rooms[1].t ?? 0", "0")]
    [InlineData("missing ?? other ?? 'none'", "none")]
    [InlineData("first(rooms[?id == 2]).name", "Bath")]
    [InlineData("len(rooms[?on and t > 20])", "1")]
    [InlineData("len(zones[?x >= 1])", "2")]
    [InlineData("big", "12345678901234567890")]
    public void A_path_selects_a_value(string formula, string? expected) => Assert.Equal(expected, Text(formula));

    [Theory]
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("7 - 2 - 1", "4")]
    [InlineData("-n", "-3")]
    [InlineData("- -n", "3")]
    [InlineData("7 % 4", "3")]
    [InlineData("n / 0", null)]
    [InlineData("n + missing", null)]
    [InlineData("text * 2", "25")]
    [InlineData("n + text", "312.5")]
    [InlineData("name + ' ' + n", "Home 3")]
    [InlineData("name + missing", null)]
    [InlineData("name * 2", null)]
    [InlineData("1e308 * 10", null)]
    public void Arithmetic_with_an_absent_value_is_absent(string formula, string? expected) => Assert.Equal(expected, Text(formula));

    [Theory]
    [InlineData("n == 3", "true")]
    [InlineData("n == '3'", "false")]
    [InlineData("text == '12.5'", "true")]
    [InlineData("text == 12.5", "false")]
    [InlineData("number(text) == 12.5", "true")]
    [InlineData("missing == null", "true")]
    [InlineData("missing != 1", "true")]
    [InlineData("missing < 1", "false")]
    [InlineData("name < 'I'", "true")]
    [InlineData("name < 1", "false")]
    [InlineData("rooms[0].on == true", "true")]
    [InlineData("rooms[0].on == 1", "false")]
    [InlineData("zones.a == zones.a", "true")]
    [InlineData("name =~ '^H.me$'", "true")]
    [InlineData("missing =~ '.*'", "false")]
    [InlineData("n in [1, 2, 3]", "true")]
    [InlineData("name in ['A', 'B']", "false")]
    [InlineData("missing in [null]", "false")]
    [InlineData("2 in rooms[?on == false][0]", "true")]
    [InlineData("not missing and n", "true")]
    [InlineData("empty or missing", "false")]
    [InlineData("n ? 'yes' : 'no'", "yes")]
    [InlineData("missing ? 'yes' : n ? 'maybe' : 'no'", "maybe")]
    public void Comparisons_need_values_of_one_type(string formula, string expected) => Assert.Equal(expected, Text(formula));

    [Fact]
    public void Every_example_of_the_documentation_is_true()
    {
        foreach (var (function, example) in FormulaFunctions.All.SelectMany(function => function.Examples.Select(example => (function, example))))
        {
            Assert.Equal((function.Name, example.Result), (function.Name, Text(example.Formula, example.Json) ?? "absent"));
        }
        Assert.All(FormulaFunctions.All, function => Assert.NotEmpty(function.Examples));
    }

    [Theory]
    [InlineData("", 0, "the formula is empty; write one")]
    [InlineData("n +", 3, "this is the end, where the formula needs a value")]
    [InlineData("n = 3", 2, "compare with ==")]
    [InlineData("n && 1", 2, "write and")]
    [InlineData("!n", 0, "write not, or != to compare")]
    [InlineData("'abc", 0, "the text that starts here has no end; add '")]
    [InlineData("rooms[0", 7, "this is the end, where the formula needs ]")]
    [InlineData("a b", 2, "this is b, where the formula needs an operator or the end")]
    [InlineData("$rom.name", 0, "there is no $rom here; did you mean $room?")]
    [InlineData("$ + 1", 0, "a name is missing after the dollar sign")]
    [InlineData("lenn(n)", 0, "there is no function lenn; did you mean len?")]
    [InlineData("pow(n)", 0, "pow has 1 arguments here; write pow(base, exponent)")]
    [InlineData("key(n)", 4, "this is n, where the formula needs the variable of a loop, such as key($room)")]
    [InlineData("match(name, n)", 12, "this is n, where the formula needs a pattern in quotes")]
    [InlineData("name =~ '('", 10, "the pattern is invalid (insufficient closing parentheses); fix it")]
    [InlineData("name =~ '(a)\\1'", 8, "the pattern has a look-around or a back-reference, which need backtracking; write it without")]
    [InlineData("name =~ '((a{90}){90}){90}'", 8, "the repetitions of a pattern multiply to at most 1000; use + or * instead")]
    [InlineData("1abc", 0, "1abc is not a number; write a name that starts with a digit as @['1abc']")]
    [InlineData("items.0", 6, "this is 0, where the formula needs the name of a member after the dot; write an index as [0]")]
    [InlineData("a # b", 2, "\"#\" has no meaning here; remove it, or put a text in quotes")]
    public void A_mistake_has_its_place_and_the_fix(string formula, int position, string sentence)
    {
        var (_, mistake) = Formula.Parse(formula, ["room"]);
        Assert.Equal((position, sentence), (mistake!.Position, mistake.Sentence));
    }

    [Fact]
    public void The_length_and_the_depth_of_a_formula_are_limited()
    {
        Assert.NotNull(Formula.Parse(new string('(', 41) + "1" + new string(')', 41), []).Failure);
        Assert.NotNull(Formula.Parse(string.Concat(Enumerable.Repeat("not ", 60)) + "1", []).Failure);
        Assert.NotNull(Formula.Parse(string.Concat(Enumerable.Repeat("-", 60)) + "1", []).Failure);
        Assert.NotNull(Formula.Parse(new string('1', 1001), []).Failure);
        Assert.Null(Formula.Parse(string.Join('+', Enumerable.Repeat("1", 500)), []).Failure);
    }

    [Fact]
    public void A_loop_has_an_item_and_a_key_for_each_value_of_an_object()
    {
        var loops = new[] { new FormulaLoop("zone", Parse("zones")), new FormulaLoop("value", Parse("list($zone.x, $zone.x + 10)", "zone")) };
        var label = Parse("key($zone) + ':' + $value", "zone", "value");
        Assert.Equal(["a:1", "a:11", "b:2", "b:12"], Scope(Json).Expand(loops).Select(label.EvaluateText));
    }

    [Theory]
    [InlineData("replace(long, '', long)")]
    [InlineData("replace(replace(replace(long, 'a', '$0$0$0$0$0$0$0$0'), 'a', '$0$0$0$0$0$0$0$0'), 'a', '$0$0$0$0$0$0$0$0')")]
    [InlineData("long + long + long + long + long + long + long + long + long + long")]
    public void A_formula_that_needs_too_much_ends_in_a_sentence(string formula)
    {
        var json = $$"""{"list": [{{string.Join(',', Enumerable.Range(0, 3000))}}], "long": "{{new string('a', 10_000)}}"}""";
        var failure = Assert.Throws<FormulaLimitException>(() => Parse(formula).Evaluate(Scope(json)));
        Assert.Matches("^(a formula makes a text of more than 65536 characters|the formulas need more than 1000000 steps)$", failure.Message);
    }

    [Fact]
    public void A_list_in_a_list_ends_when_the_steps_are_used_up()
    {
        var scope = Scope($"[{string.Join(',', Enumerable.Range(0, 3000))}]");
        scope = scope.With("all", scope.Item, null);
        var failure = Assert.Throws<FormulaLimitException>(() => Parse("len($all[?len($all[?@ > 0]) > 0])", "all").Evaluate(scope));
        Assert.Equal("the formulas need more than 1000000 steps", failure.Message);
    }

    [Fact]
    public void No_text_makes_the_parser_or_the_evaluation_fail_in_another_way()
    {
        string[] parts = ["name", "$room", "(", ")", "[", "]", "?", ":", "??", "'a'", "\"", "1", "1e9", ".", ",", "==", "=~", "in", "not", "and", "@", "-", "*", "/", "%",
            "len(", "match(", "key($room)", "list(", "rooms", "{", "é", "\uD800", "\0", "replace(name, 'a', 'b')", "first(rooms)", "time(", "base("];
        var random = new Random(20);
        for (var i = 0; i < 200_000; i++)
        {
            var text = string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(1, 12)).Select(_ => parts[random.Next(parts.Length)]));
            var (formula, mistake) = Formula.Parse(text, ["room"]);
            Assert.True(formula is null == (mistake is not null), text);
            Assert.True(mistake is null || (mistake.Position >= 0 && mistake.Position <= text.Length), text);
            formula?.Evaluate(Scope(Json));
        }
    }

    private static string? Text(string formula, string json = Json) => Parse(formula).EvaluateText(Scope(json));

    private static Formula Parse(string text, params string[] names)
    {
        var (formula, mistake) = Formula.Parse(text, names);
        Assert.True(formula is not null, $"{text}: {mistake?.Sentence}");
        return formula;
    }

    private static FormulaScope Scope(string json) =>
        FormulaScope.Of(Exporter.Tokens.Json.Parse(Encoding.UTF8.GetBytes(json)), new FormulaSteps(1_000_000));
}

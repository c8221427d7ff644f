using Xunit;

namespace Exporter.Tests.Http;

/// <summary>Every mistake in a module has its line, its character and the fix.</summary>
public class ModuleFileTests
{
    [Theory]
    [InlineData("interval: 10m", "intervall: 10m", "shop.yml:4:1: a module has no key intervall; did you mean interval?")]
    [InlineData("interval: 10m", "interval: 10", "shop.yml:4:11: \"10\": a duration needs a unit, for example 10m")]
    [InlineData("interval: 10m", "interval: [10m]", "shop.yml:4:11: this must be a duration, such as 15m")]
    [InlineData("interval: 10m", "budget: [100 each 24h]", "shop.yml:4:10: this is not a budget; write for example 100 per 24h")]
    [InlineData("interval: 10m", "max_response: 2GB", "shop.yml:4:15: this is not a size; write 1MiB to 16MiB")]
    [InlineData("interval: 10m", "auth: oauth", "shop.yml:4:7: there is no oauth here; did you mean oauth2?")]
    [InlineData("interval: 10m", "auth: oauth2", "shop.yml:4:7: the module does not say where to log in; add oauth: with the settings of the source oauth2")]
    [InlineData("interval: 10m", "auth: api_key", "shop.yml:4:7: an API key is a setting with secret: true in headers: or query:; add it there as ${name}")]
    [InlineData("interval: 10m", "hosts: [not a host]", "shop.yml:4:9: this is not the name of a host; write for example files.example.org")]
    [InlineData("interval: 10m", "errors: {tokens: $status == 401}", "shop.yml:4:10: there is no kind of error tokens; did you mean token?")]
    [InlineData("interval: 10m", "errors: {token: $stats == 401}", "shop.yml:4:17: there is no $stats here; did you mean $status?")]
    [InlineData("interval: 10m", "settings: {Key: {help: A key.}}",
        "shop.yml:4:12: a setting's name has lowercase letters, digits and single _, starts with a letter, and does not end in _file; rename it")]
    [InlineData("interval: 10m", "settings: {key: {help: A key., secret: true, default: x}}", "shop.yml:4:12: key is secret, so it has no default; remove the default")]
    [InlineData("interval: 10m", "headers: {X-Key: \"${key}\"}", "shop.yml:4:19: the module declares no setting key; add it below settings:")]
    [InlineData("interval: 10m", "headers: {X-Key: \"${key\"}", "shop.yml:4:19: this ${ has no }; close it")]
    [InlineData("module: shop", "module: exporter_x", "shop.yml:1:9: metrics that start with exporter_ belong to the exporter; choose another name")]
    [InlineData("module: shop", "module: Shop",
        "shop.yml:1:9: a module's name is the prefix of its metrics: at most 40 lowercase letters, digits and single _, and a letter first; rename it")]
    [InlineData("api: https://api.example/v1", "api: api.example", "shop.yml:3:6: this is not the address of an API; write https:// and a host, without a user or a query")]
    [InlineData("about: Things.", "title: Things.", "shop.yml:1:1: a module needs about: one sentence")]
    [InlineData("{get: /things}", "{gett: /things}", "shop.yml:6:12: a request has no key gett; did you mean get?")]
    [InlineData("{get: /things}", "{}", "shop.yml:6:3: things needs either get: or post: with a path")]
    [InlineData("{get: /things}", "{get: \"/{$x}\"}", "shop.yml:6:20: there is no $x here; use the names of members")]
    [InlineData("{get: /things}", "{get: \"/{id\"}", "shop.yml:6:19: this { has no }; close it, or write {{ for a brace")]
    [InlineData("{get: /things}", "{get: /things, at_most: 3}", "shop.yml:6:26: at_most limits the loops of for:, and this request has none; remove it")]
    [InlineData("{get: /things}", "{get: /things, keep: 1h}", "shop.yml:6:26: keep works only for an optional request; add optional: true")]
    [InlineData("{get: /things}", "{get: /things, form: {a: b}}", "shop.yml:6:26: a body needs post: and is either a form or JSON; remove one of the two")]
    [InlineData("{get: /things}", "{get: /things, items: a, pages: {at_most: 2}}",
        "shop.yml:6:36: say how to request the next page, with one of next, link, query, form")]
    [InlineData("{get: /things}", "{get: /things, pages: {link: next, at_most: 2}}",
        "shop.yml:6:26: the items of all pages are put together; add items: with the list in an answer")]
    [InlineData("{get: /things}", "{get: /things, interval: 5}", "shop.yml:6:36: \"5\": a duration needs a unit, for example 5m")]
    [InlineData("from: things", "from: thing", "shop.yml:8:11: there is no such request; did you mean things?")]
    [InlineData("$thing.name", "$thin.name", "shop.yml:10:20: there is no $thin here; did you mean $thing?")]
    [InlineData("$thing.name", "$thing.name +", "shop.yml:10:33: this is the end, where the formula needs a value")]
    [InlineData("{name: $thing.name}", "{account: $thing.name}",
        "shop.yml:10:14: the label account has a meaning of its own in Prometheus or the exporter; rename it")]
    [InlineData("{name: $thing.name}", "{na-me: $thing.name}", "shop.yml:10:14: a label's name has letters, digits and _, and starts with a letter; rename it")]
    [InlineData("{name: $thing.name}", "{name: \"${key}\"}",
        "shop.yml:10:20: a formula cannot contain a setting, because settings do not become values or labels; remove it")]
    [InlineData("shop_price_celsius:", "price:", "shop.yml:12:7: a metric's name has lowercase letters, digits and _, and starts with shop_; rename it")]
    [InlineData("shop_price_celsius:", "shop_sold_total:", null)]
    [InlineData("shop_price_celsius: {", "shop_price: {type: counter, ", "shop.yml:12:7: the name of a counter, and no other name, ends in _total; rename it or change type:")]
    [InlineData("shop_price_celsius:", "shop_info:", "shop.yml:12:7: shop_info is an info, whose value is always 1; remove value:")]
    [InlineData("{value: $thing.price, help", "{type: stateset, value: $thing.price, help", "shop.yml:12:7: shop_price_celsius needs states: with the list of its states")]
    [InlineData("{value: $thing.price, help", "{help", "shop.yml:12:7: shop_price_celsius needs value: with a formula")]
    [InlineData(", help: A price.", "", "shop.yml:12:27: a metric needs help: one sentence")]
    [InlineData("for: {thing: $answer.items}", "for: {thing: {a: 1}}", "shop.yml:9:18: this is a map, where a formula is expected; a text with braces needs quotes around it")]
    [InlineData("for: {thing: $answer.items}", "for: {things: $answer.items}", "shop.yml:9:11: $things is already the name of something else; rename it")]
    [InlineData("    for: {thing: $answer.items}", "    for: {thing: $answer.items}\n    stale: 1h",
        "shop.yml:10:5: the age follows from when the values were measured; add time: with that time in Unix seconds")]
    public void A_mistake_is_reported(string text, string mistake, string? expected)
    {
        Assert.Contains(text, Modules.Things, StringComparison.Ordinal);
        var mistakes = Modules.Mistakes(Modules.Things.Replace(text, mistake, StringComparison.Ordinal));
        if (expected is null)
        {
            Assert.Empty(mistakes);
        }
        else
        {
            Assert.Contains(expected, mistakes);
        }
    }

    [Fact]
    public void All_mistakes_are_reported_at_once_in_the_order_of_the_file()
    {
        var mistakes = Modules.Mistakes(Modules.Things.Replace("10m", "ten", StringComparison.Ordinal)
            .Replace("get", "gett", StringComparison.Ordinal).Replace("help", "hlp", StringComparison.Ordinal));
        Assert.Equal([4, 6, 6, 12, 12], mistakes.Select(line => int.Parse(line.Split(':')[1])));
    }

    [Fact]
    public void An_answer_that_differs_in_each_loop_has_no_value_outside_of_it()
    {
        var mistakes = Modules.Mistakes(Modules.WithSeries(
            "- {from: homes, metrics: {shop_x: {value: $zones.x, help: X.}}}", "homes: {get: /homes}\nzones: {for: {home: $homes}, get: '/homes/{$home.id}'}"));
        Assert.Equal("shop.yml:8:45: $zones has one answer for each $home; use it in loops with the same names", Assert.Single(mistakes));
    }

    [Fact]
    public void A_file_that_is_not_YAML_has_one_mistake() =>
        Assert.StartsWith("shop.yml:2", Assert.Single(Modules.Mistakes("module: shop\nabout: [a\n")), StringComparison.Ordinal);

    [Fact]
    public void More_requests_than_the_budget_allows_are_a_warning()
    {
        var file = Exporter.Http.ModuleFile.Parse("shop.yml", Modules.Things.Replace("10m", "10m\nbudget: [100 per 24h]", StringComparison.Ordinal));
        Assert.NotNull(file.Bind(new Dictionary<string, string>()));
        Assert.Equal("shop.yml:5:1: the requests may be up to 144 per 1d (things 144), more than the budget of 100; then readings are late. "
            + "Make interval: longer or at_most: smaller", Assert.Single(file.Problems.Warnings).ToString());
    }

    [Theory]
    [InlineData("shop_price_fahrenheit", "shop_price_celsius")]
    [InlineData("shop_energy_kwh", "shop_energy_joules")]
    public void A_unit_that_is_no_base_unit_is_a_warning(string name, string better)
    {
        var file = Exporter.Http.ModuleFile.Parse("shop.yml", Modules.Things.Replace("shop_price_celsius", name, StringComparison.Ordinal));
        Assert.NotNull(file.Bind(new Dictionary<string, string>()));
        Assert.Contains($"name it {better} and convert the value", Assert.Single(file.Problems.Warnings).Sentence, StringComparison.Ordinal);
    }
}

using System.Net;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>Which requests a module sends, and what becomes of the answers.</summary>
public class HttpReaderTests
{
    private const string Chain = """
        module: shop
        about: Things.
        api: https://api.example/v1
        interval: 10m
        requests:
          homes: {get: /homes, interval: 24h, items: homes}
          zones: {for: {home: $homes}, get: "/homes/{$home.id}/zones", interval: 24h}
          states: {for: {home: $homes}, get: "/homes/{$home.id}/states", at_most: 2}
        series:
          - from: states
            for: {state: $answer}
            labels: {home: $home.name, zone: "first($zones[?id == number(key($state))]).name"}
            metrics:
              shop_temperature_celsius: {value: $state.t, help: The temperature.}
        """;

    private readonly ManualTime time = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chain_joins_the_answers_of_the_same_loop()
    {
        using var http = new StubHttp()
            .Expect(HttpStatusCode.OK, """{"homes": [{"id": 7, "name": "A"}, {"id": 8, "name": "B"}]}""")
            .Expect(HttpStatusCode.OK, """[{"id": 1, "name": "Hall"}]""").Expect(HttpStatusCode.OK, """[{"id": 1, "name": "Attic"}]""")
            .Expect(HttpStatusCode.OK, """{"1": {"t": 20}}""").Expect(HttpStatusCode.OK, """{"1": {"t": 15.5}, "2": {"t": 3}}""");
        var reading = Results.Value(await Modules.Reader(Modules.Parse(Chain), http, time).ReadAsync(CancellationToken));
        Assert.Equal(
            ["shop_temperature_celsius{home=\"A\",zone=\"Hall\"} 20", "shop_temperature_celsius{home=\"B\",zone=\"Attic\"} 15.5", "shop_temperature_celsius{home=\"B\"} 3"],
            Modules.Lines(reading, time.GetUtcNow()));
        Assert.Equal(["/v1/homes", "/v1/homes/7/zones", "/v1/homes/8/zones", "/v1/homes/7/states", "/v1/homes/8/states"],
            http.Calls.Select(call => call.Request.RequestUri!.AbsolutePath));
    }

    [Fact]
    public async Task A_request_is_sent_again_after_its_own_interval()
    {
        var zones = 0;
        using var http = new StubHttp().Otherwise((request, _) =>
        {
            var path = request.RequestUri!.AbsolutePath;
            zones += path.EndsWith("zones", StringComparison.Ordinal) ? 1 : 0;
            return StubHttp.Answer(HttpStatusCode.OK, path.EndsWith("homes", StringComparison.Ordinal) ? """{"homes": [{"id": 7, "name": "A"}]}"""
                : path.EndsWith("zones", StringComparison.Ordinal) ? """[{"id": 1, "name": "Hall"}]""" : """{"1": {"t": 20}}""");
        });
        var reader = Modules.Reader(Modules.Parse(Chain), http, time);
        for (var poll = 0; poll < 145; poll++)
        {
            Assert.Equal("shop_temperature_celsius{home=\"A\",zone=\"Hall\"} 20",
                Assert.Single(Modules.Lines(Results.Value(await reader.ReadAsync(CancellationToken)), time.GetUtcNow())));
            time.Advance(TimeSpan.FromMinutes(10));
        }
        Assert.Equal(2, zones);
        Assert.Equal(145 + 2 + 2, http.Calls.Count);
    }

    [Fact]
    public async Task After_a_failure_in_the_middle_the_answers_before_it_are_not_requested_again()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, """{"homes": [{"id": 7, "name": "A"}]}""")
            .Expect(HttpStatusCode.OK, "[]").Expect(HttpStatusCode.InternalServerError).Expect(HttpStatusCode.OK, """{"1": {"t": 20}}""");
        var reader = Modules.Reader(Modules.Parse(Chain), http, time);
        Assert.IsType<ApiFailure.Unavailable>(Results.Failure(await reader.ReadAsync(CancellationToken)));
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.Single(Modules.Lines(Results.Value(await reader.ReadAsync(CancellationToken)), time.GetUtcNow()));
        Assert.Equal(4, http.Calls.Count);
    }

    [Fact]
    public async Task More_items_than_at_most_are_a_notice()
    {
        using var http = new StubHttp()
            .Expect(HttpStatusCode.OK, """{"homes": [{"id": 7}, {"id": 8}, {"id": 9}]}""")
            .Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, "{}"));
        var reading = Results.Value(await Modules.Reader(Modules.Parse(Chain), http, time).ReadAsync(CancellationToken));
        Assert.Contains("The request states is sent for the first 2 items only; increase at_most for more.", reading.Notices);
        Assert.Equal(1 + 3 + 2, http.Calls.Count);
    }

    [Theory]
    [InlineData("{link: next, at_most: 3}", """{"items": [1, 2]}""", "/v1/things?p=2", "Link", "<https://api.example/v1/things?p=1>; rel=prev, </v1/things?p=2>; rel=\"next last\"")]
    [InlineData("{next: $answer.links.next, at_most: 3}", """{"items": [1, 2], "links": {"next": "things?p=2"}}""", "/v1/things?p=2", "X-Other", "1")]
    [InlineData("{query: {offset: $answer.offset}, while: $answer.more == 1, at_most: 3}", """{"items": [1, 2], "offset": 40, "more": 1}""", "/v1/things?limit=2&offset=40", "X-Other", "1")]
    public async Task Pages_are_put_together(string pages, string first, string second, string header, string value)
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, first, (header, value)).Expect(HttpStatusCode.OK, """{"items": [3]}""");
        var module = Modules.Parse(Modules.WithSeries(
            "- {from: things, metrics: {shop_things: {value: len($answer), help: Things.}}}",
            $"things: {{get: /things, query: {{limit: '2'}}, items: items, pages: {pages}}}"));
        var reading = Results.Value(await Modules.Reader(module, http, time).ReadAsync(CancellationToken));
        Assert.Equal("shop_things{} 3", Assert.Single(Modules.Lines(reading, time.GetUtcNow())));
        Assert.Equal(["/v1/things?limit=2", second], http.Calls.Select(call => call.Request.RequestUri!.PathAndQuery));
    }

    [Fact]
    public async Task Pages_end_at_the_largest_number_and_at_an_address_that_repeats()
    {
        using var http = new StubHttp().Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, """{"items": [1], "next": "/v1/things"}"""));
        var module = Modules.Parse(Modules.WithSeries("- {from: things, metrics: {shop_things: {value: len($answer), help: Things.}}}",
            "things: {get: /things, items: items, pages: {next: $answer.next, at_most: 100}}"));
        Results.Value(await Modules.Reader(module, http, time).ReadAsync(CancellationToken));
        Assert.Single(http.Calls);
    }

    [Theory]
    [InlineData("https://evil.example/v1/things")]
    [InlineData("http://api.example/v1/things")]
    [InlineData("https://api.example:444/v1/things")]
    [InlineData("https://api.example.evil.example/")]
    [InlineData("//evil.example/v1")]
    public async Task A_next_page_on_another_server_is_not_requested(string next)
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, $$"""{"items": [1], "next": "{{next}}"}""");
        var module = Modules.Parse(Modules.WithSeries("- {from: things, metrics: {shop_things: {value: len($answer), help: Things.}}}",
            "things: {get: /things, items: items, pages: {next: $answer.next, at_most: 100}}"));
        var failure = Results.Failure(await Modules.Reader(module, http, time).ReadAsync(CancellationToken));
        Assert.Contains("which is not its API; if that is right, add the host to hosts:", failure.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, """{"status": 601}""", "rate_limited", null)]
    [InlineData(200, """{"status": 401}""", "token_refused", null)]
    [InlineData(200, """{"status": 5, "error": "broken"}""", "rejected", "\"broken\" (HTTP 200 for /v1/things)")]
    [InlineData(200, "<html>", "unavailable", "shop's answer is not JSON")]
    [InlineData(401, "{}", "token_refused", null)]
    [InlineData(403, """{"errors": [{"title": "No access"}]}""", "rejected", "\"No access\" (HTTP 403 for /v1/things)")]
    [InlineData(500, "", "unavailable", "shop is unavailable: HTTP 500 for /v1/things.")]
    [InlineData(302, "", "rejected", null)]
    public async Task An_error_is_found_by_the_table_otherwise_by_the_status(int status, string body, string kind, string? words)
    {
        const string table = "errors: {rate_limited: $body.status == 601, token: '$body.status in [100, 401]', rejected: $body.status > 0}\nrequests:";
        using var http = new StubHttp().Expect((HttpStatusCode)status, body);
        var module = Modules.Parse(Modules.Things.Replace("requests:", table, StringComparison.Ordinal));
        var failure = Results.Failure(await Modules.Reader(module, http, time).ReadAsync(CancellationToken));
        Assert.Equal(kind, failure.Kind);
        Assert.Contains(words ?? "", failure.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_comes_from_the_table_or_from_Retry_After()
    {
        const string table = "errors: {rate_limited: {when: $status == 429, wait: \"match($headers.ratelimit, 't=([0-9]+)')\"}}\nrequests:";
        using var http = new StubHttp().Expect(HttpStatusCode.TooManyRequests, "", ("ratelimit", "\"perday\";r=0;t=123"))
            .Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "30"));
        var reader = Modules.Reader(Modules.Parse(Modules.Things.Replace("requests:", table, StringComparison.Ordinal)), http, time);
        Assert.Equal(TimeSpan.FromSeconds(123), Results.Failure(await reader.ReadAsync(CancellationToken)).RetryAfter);
        Assert.Equal(TimeSpan.FromSeconds(30), Results.Failure(await reader.ReadAsync(CancellationToken)).RetryAfter);
    }

    [Fact]
    public async Task An_optional_request_costs_only_its_own_series_and_its_last_answer_counts_for_a_while()
    {
        var module = Modules.Parse(Modules.WithSeries("""
            - {from: things, metrics: {shop_things: {value: $answer.n, help: Things.}}}
            - {from: more, metrics: {shop_more: {value: $answer.n, help: More.}}}
            """, "things: {get: /things}\nmore: {get: /more, optional: true, keep: 15m}"));
        var isDown = false;
        using var http = new StubHttp().Otherwise((request, _) => request.RequestUri!.AbsolutePath == "/v1/more" && isDown
            ? StubHttp.Answer(HttpStatusCode.NotFound, "") : StubHttp.Answer(HttpStatusCode.OK, """{"n": 1}"""));
        var reader = Modules.Reader(module, http, time);
        async Task<int> SeriesAsync() => Modules.Lines(Results.Value(await reader.ReadAsync(CancellationToken)), time.GetUtcNow()).Count;
        Assert.Equal(2, await SeriesAsync());
        isDown = true;
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(2, await SeriesAsync());
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, await SeriesAsync());
    }

    [Fact]
    public async Task Nothing_to_read_is_no_failure()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.Conflict, """{"error": {"key": "SDK.Error.Off"}}""");
        var module = Modules.Parse(Modules.Things.Replace("requests:", "errors: {empty: \"$status == 409 and $body.error.key =~ '^SDK[.]'\"}\nrequests:", StringComparison.Ordinal));
        Assert.Empty(Results.Value(await Modules.Reader(module, http, time).ReadAsync(CancellationToken)).Series);
    }

    [Fact]
    public async Task Values_are_encoded_and_secrets_are_in_no_message()
    {
        var module = Modules.Parse("""
            module: shop
            about: Things.
            settings: {key: {help: A key., secret: true}, place: {help: A place.}}
            api: https://api.example/v1
            auth: api_key
            headers: {X-Key: "${key}"}
            requests:
              homes: {get: "/places/{'a b/c?'}", query: {q: "{'&='}", place: "${place}"}}
              query: {post: /query, json: {text: "{$homes.name}", list: [1, "1", true, "{$homes.n}"], none: ~}}
            series:
              - {from: query, metrics: {shop_x: {value: $answer.x, help: X.}}}
            """, ("key", "geheim-123"), ("place", "ü"));
        using var http = new StubHttp().Expect(HttpStatusCode.OK, """{"name": "a\"b", "n": 12345678901234567890}""")
            .Expect(HttpStatusCode.Forbidden, """{"message": "the key geheim-123 is wrong"}""");
        var failure = Results.Failure(await Modules.Reader(module, http, time).ReadAsync(CancellationToken));
        Assert.Equal("https://api.example/v1/places/a%20b%2Fc%3F?q=%26%3D&place=%C3%BC", http.Calls[0].Request.RequestUri!.AbsoluteUri);
        Assert.Equal("geheim-123", Assert.Single(http.Calls[0].Request.Headers.GetValues("X-Key")));
        Assert.Equal("""{"text":"a\u0022b","list":[1,"1",true,12345678901234567890],"none":null}""", http.Calls[1].Body);
        Assert.Equal("shop rejected the request: \"the key <secret> is wrong\" (HTTP 403 for /v1/query).", failure.Reason);
    }

    [Fact]
    public async Task A_budget_that_an_earlier_process_used_up_sends_nothing()
    {
        using var directory = new TemporaryDirectory();
        RequestBudget Open() => new("shop", [new BudgetWindow(2, TimeSpan.FromHours(1))], directory["requests.json"], time, NullLogger.Instance);
        using var http = new StubHttp();
        Assert.Null(Open().Reserve());
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Null(Open().Reserve());
        var failure = Results.Failure(await Modules.Reader(Modules.Parse(Modules.Things), http, time, budget: Open()).ReadAsync(CancellationToken));
        Assert.Equal("No request was sent to shop: the budget of 2 requests in 1 hour is used up.", failure.Reason);
        Assert.Equal(TimeSpan.FromMinutes(50), failure.RetryAfter);
    }
}

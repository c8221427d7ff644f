using System.Net;
using System.Text.Json;
using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Refit;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>
/// From Ergani's responses to the metrics page. The responses have the shape of the OxygenSuite package's fixtures, with personal data.
/// </summary>
public sealed class ErganiMetricsTests
{
    private static readonly ErganiCount[] All = Enum.GetValues<ErganiCount>();

    private static readonly Dictionary<string, string> ServiceResults = new()
    {
        ["EX_BASE_01"] =
            """{"EX_BASE_01":{"Ergodotis":{"Id":"12345","Afm":"123456789","Eponimia":"ERGANI A.E","Ame":"12345678","IsInCardSector":"0"}}}""",
        ["EX_BASE_02"] = """{"EX_BASE_02":{"Pararthma":[{"Aa":"0","Address":"ΟΔΟΣ Α"},{"Aa":"1","Address":"ΟΔΟΣ Β"}]}}""",
        ["EX_BASE_05"] = """
            {"EX_BASE_05":{"Cur":[
              {"afm":"123456789","Eponimo":"ΠΑΠΑΔΟΠΟΥΛΟΣ","PararthmaAa":"0"},{"afm":"2","PararthmaAa":0},
              {"afm":"3","PararthmaAa":"12"},{"afm":"4","PararthmaAa":"ΠΑΠΑΔΟΠΟΥΛΟΣ"}]}}
            """,
    };

    [Fact]
    public async Task Every_count_becomes_a_series_without_personal_data()
    {
        var page = Pages.Text(ErganiMetrics.From(await ReadingAsync(new Api(ServiceResults), All)));

        Golden.CheckPage("sources/ergani/testdata/counts.prom", page);
        Assert.All(["ΠΑΠΑΔΟΠΟΥΛΟΣ", "123456789", "ERGANI A.E"], person => Assert.DoesNotContain(person, page));
    }

    [Fact]
    public void Before_any_call_the_rate_limit_counter_is_zero()
    {
        var context = Opened.Context("ergani", new ManualTime());
        _ = new ErganiCalls(context);

        Golden.CheckPage("sources/ergani/testdata/no-calls.prom", Page(context));
    }

    [Fact]
    public async Task A_call_is_counted_by_operation_and_status()
    {
        var context = Opened.Context("ergani", new ManualTime());
        var calls = new ErganiCalls(context);
        using var http = new StubHttp().Expect(HttpStatusCode.OK).Expect(HttpStatusCode.TooManyRequests).Expect(HttpStatusCode.OK)
            .Expect(HttpStatusCode.Unauthorized)
            .Expect(HttpStatusCode.OK).ExpectFailure(new HttpRequestException()).Expect(HttpStatusCode.NotFound).Expect(HttpStatusCode.OK);
        var counter = ApiCalls.CreateHandler();
        counter.InnerHandler = http;
        var client = new HttpClient(counter) { BaseAddress = ErganiEnvironment.Test.Address };
        Task<HttpResponseMessage> GetAsync(string path)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            calls.Mark(request);
            return client.SendAsync(request, Login.Cancellation);
        }
        foreach (
            var path in new[] { "Authentication", "Authentication/Refresh", "authentication/refresh", "Lookup/Submissions",
            "WebServices/ServicesList" })
        {
            (await GetAsync(path)).Dispose();
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync("WebServices/ExecuteService"));
        (await GetAsync("Documents/123456789")).Dispose();
        (await GetAsync("Authentication/Logout?x=123456789")).Dispose();

        Golden.CheckPage("sources/ergani/testdata/calls.prom", Page(context));
    }

    [Theory]
    [InlineData("""{"EX_BASE_05":{"Cur":{"afm":"1","PararthmaAa":"0"}}}""", 1)]
    [InlineData("""{"EX_BASE_05":{"Cur":[]}}""", 0)]
    [InlineData("""{"EX_BASE_05":{"Cur":null}}""", 0)]
    [InlineData("""{"EX_BASE_05":{"Cur":[1,null,"x",{}]}}""", 1)]
    public void A_single_employee_is_an_object_and_none_is_an_empty_array(string result, int employees) =>
        Assert.Equal(employees, ErganiReading.WorkforceOf(Json(result))!.Values.Sum());

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"EX_BASE_05":{"Other":[]}}""")]
    [InlineData("""{"EX_BASE_05":{"Cur":"text"}}""")]
    public void A_response_without_workforce_is_unknown(string result) => Assert.Null(ErganiReading.WorkforceOf(Json(result)));

    [Fact]
    public async Task Only_the_configured_counts_are_read()
    {
        var api = new Api(ServiceResults);
        var reading = await ReadingAsync(api, [ErganiCount.Branches]);

        Assert.Equal(["EX_BASE_02"], api.Requested);
        Assert.Equal(new ErganiReading(Branches: 2), reading);
    }

    [Fact]
    public async Task A_rejected_count_is_omitted()
    {
        var api = new Api(ServiceResults.Where(a => a.Key != "EX_BASE_05").ToDictionary());

        var reading = await ReadingAsync(api, All);

        Assert.Equal((3, null), (reading.Submissions, reading.Workforce));
    }

    [Fact]
    public async Task A_count_in_an_unknown_format_is_omitted_and_logged_once()
    {
        using var log = new CollectedLog();
        var reader = Reader(new Api(new() { ["EX_BASE_02"] = "{\"EX_BASE_02\":{\"Others\":[]}}" }), [ErganiCount.Submissions, ErganiCount.Branches], log);

        var readings = new[] { await reader.ReadAsync(Login.Cancellation), await reader.ReadAsync(Login.Cancellation) };

        Assert.All(readings, reading => Assert.Equal(new ErganiReading(Submissions: 3), Results.Value(reading)));
        Assert.Equal(["account ergani: there is no count of branches: Ergani's response does not contain it."], log.All);
    }

    [Fact]
    public async Task A_missing_count_is_logged_once_although_each_reading_is_in_another_process()
    {
        using var log = new CollectedLog();
        var memory = "[]";
        for (var poll = 0; poll < 3; poll++)
        {
            var reader = Reader(new Api(new() { ["EX_BASE_02"] = "{}" }), [ErganiCount.Submissions, ErganiCount.Branches], log);
            PollMemories.Restore(reader.Memory, memory);
            Results.Value(await reader.ReadAsync(Login.Cancellation));
            memory = PollMemories.Text(reader.Memory);
        }

        Assert.Single(log.All);
    }

    [Fact]
    public async Task An_account_without_any_allowed_count_has_no_reading()
    {
        var result = await Reader(new Api([]), [ErganiCount.Branches]).ReadAsync(Login.Cancellation);

        Assert.IsType<ApiFailure.Rejected>(Results.Failure(result));
    }

    [Fact]
    public async Task A_partial_result_is_not_a_reading()
    {
        var api = new Api(ServiceResults) { Fails = "EX_BASE_02" };

        var result = await Reader(api, All).ReadAsync(Login.Cancellation);

        Assert.IsType<ApiFailure.Unavailable>(Results.Failure(result));
    }

    private static ErganiReader Reader(IErganiApi api, ErganiCount[] counts, ILogger? logger = null) => new(
        api, new ApiAccount(new Secret("direct"), ErganiEnvironment.Test.Address), counts, "ergani", new ManualTime(), logger ?? NullLogger.Instance);

    private static async Task<ErganiReading> ReadingAsync(IErganiApi api, ErganiCount[] counts) =>
        Results.Value(await Reader(api, counts).ReadAsync(Login.Cancellation));

    private static string Page(AccountContext context) => Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    /// <summary>Executes the services that have a result, and rejects others.</summary>
    private sealed class Api(Dictionary<string, string> results) : IErganiApi
    {
        public List<string> Requested { get; } = [];

        public string? Fails { get; init; }

        public Task<IApiResponse<IReadOnlyList<ErganiEntry>>> GetSubmissionsAsync(ApiAccount account, CancellationToken cancellationToken) =>
            Respond(Entries(3));

        public Task<IApiResponse<IReadOnlyList<ErganiEntry>>> GetServicesAsync(ApiAccount account, CancellationToken cancellationToken) =>
            Respond(Entries(4));

        public Task<IApiResponse<ErganiServiceResult>> ExecuteServiceAsync(
            ApiAccount account, ErganiServiceCall request, CancellationToken cancellationToken)
        {
            Requested.Add(request.ServiceCode);
            return request.ServiceCode == Fails ? Respond<ErganiServiceResult>(null, HttpStatusCode.InternalServerError)
                : results.TryGetValue(request.ServiceCode, out var json) ? Respond(new ErganiServiceResult(Json(json)))
                : Respond<ErganiServiceResult>(null, HttpStatusCode.Forbidden);
        }

        public Task<IApiResponse> LogoutAsync(ApiAccount account, string? authorization, string refreshToken, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("a reader does not log out");

        private static IReadOnlyList<ErganiEntry> Entries(int count) =>
            [.. Enumerable.Range(0, count).Select(n => new ErganiEntry($"{n}", null))];

        private static Task<IApiResponse<T>> Respond<T>(T? value, HttpStatusCode status = HttpStatusCode.OK) where T : class =>
            Task.FromResult<IApiResponse<T>>(
                new ApiResponse<T>(new HttpRequestMessage(), new HttpResponseMessage(status), value, new RefitSettings(), null));
    }
}

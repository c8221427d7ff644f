using System.Net;
using System.Text.Json;
using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Refit;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>From the service's answers to the page. The answers have the shapes of the OxygenSuite package's fixtures, with people in them.</summary>
public sealed class ErganiMetricsTests
{
    private static readonly ErganiCount[] All = Enum.GetValues<ErganiCount>();

    private static readonly Dictionary<string, string> Answers = new()
    {
        ["EX_BASE_01"] = """{"EX_BASE_01":{"Ergodotis":{"Id":"12345","Afm":"123456789","Eponimia":"ERGANI A.E","Ame":"12345678","IsInCardSector":"0"}}}""",
        ["EX_BASE_02"] = """{"EX_BASE_02":{"Pararthma":[{"Aa":"0","Address":"ΟΔΟΣ Α"},{"Aa":"1","Address":"ΟΔΟΣ Β"}]}}""",
        ["EX_BASE_05"] = """{"EX_BASE_05":{"Cur":[{"afm":"123456789","Eponimo":"ΠΑΠΑΔΟΠΟΥΛΟΣ","PararthmaAa":"0"},{"afm":"2","PararthmaAa":0},{"afm":"3","PararthmaAa":"12"},{"afm":"4","PararthmaAa":"ΠΑΠΑΔΟΠΟΥΛΟΣ"}]}}""",
    };

    [Fact]
    public async Task Every_count_becomes_a_series_and_no_person_does()
    {
        var page = Pages.Text(ErganiMetrics.From(await ReadingAsync(new Api(Answers), All)));

        Golden.CheckPage("sources/ergani/testdata/counts.prom", page);
        Assert.All(["ΠΑΠΑΔΟΠΟΥΛΟΣ", "123456789", "ERGANI A.E"], person => Assert.DoesNotContain(person, page));
    }

    [Fact]
    public void Before_any_call_there_is_no_refusal()
    {
        var context = Opened.Context("ergani", new ManualTime());
        _ = new ErganiCalls(context);

        Golden.CheckPage("sources/ergani/testdata/no-calls.prom", Page(context));
    }

    [Fact]
    public async Task A_call_is_counted_as_it_was_answered()
    {
        var context = Opened.Context("ergani", new ManualTime());
        var calls = new ErganiCalls(context);
        using var http = new StubHttp().Expect(HttpStatusCode.OK).Expect(HttpStatusCode.TooManyRequests).Expect(HttpStatusCode.OK).Expect(HttpStatusCode.Unauthorized)
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
        foreach (var path in new[] { "Authentication", "Authentication/Refresh", "authentication/refresh", "Lookup/Submissions", "WebServices/ServicesList" })
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
    public void One_employee_is_no_list_and_none_is_an_empty_one(string answer, int employees) =>
        Assert.Equal(employees, ErganiReading.WorkforceOf(Json(answer))!.Values.Sum());

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"EX_BASE_05":{"Other":[]}}""")]
    [InlineData("""{"EX_BASE_05":{"Cur":"text"}}""")]
    public void What_is_no_workforce_is_none_that_is_known(string answer) => Assert.Null(ErganiReading.WorkforceOf(Json(answer)));

    [Fact]
    public async Task Only_what_is_asked_for_is_read()
    {
        var api = new Api(Answers);
        var reading = await ReadingAsync(api, [ErganiCount.Branches]);

        Assert.Equal(["EX_BASE_02"], api.Asked);
        Assert.Equal(new ErganiReading(Branches: 2), reading);
    }

    [Fact]
    public async Task What_the_account_may_not_read_is_left_out_and_the_rest_is_there()
    {
        var api = new Api(Answers.Where(a => a.Key != "EX_BASE_05").ToDictionary());

        var reading = await ReadingAsync(api, All);

        Assert.Equal((3, null), (reading.Submissions, reading.Workforce));
    }

    [Fact]
    public async Task An_account_that_may_read_nothing_has_no_reading()
    {
        var answer = await Census(new Api([]), [ErganiCount.Branches]).TakeAsync(Login.Cancellation);

        Assert.IsType<ApiFailure.Rejected>(Assert.IsType<PollResult<ErganiReading>.Failed>(answer).Failure);
    }

    [Fact]
    public async Task Half_an_answer_is_no_reading()
    {
        var api = new Api(Answers) { Fails = "EX_BASE_02" };

        var answer = await Census(api, All).TakeAsync(Login.Cancellation);

        Assert.IsType<ApiFailure.Unavailable>(Assert.IsType<PollResult<ErganiReading>.Failed>(answer).Failure);
    }

    private static ErganiCensus Census(IErganiApi api, ErganiCount[] counts) =>
        new(api, new ApiAccount(new Secret("direct"), ErganiEnvironment.Test.Address), counts, "ergani", new ManualTime(), NullLogger.Instance);

    private static async Task<ErganiReading> ReadingAsync(IErganiApi api, ErganiCount[] counts) =>
        Assert.IsType<PollResult<ErganiReading>.Success>(await Census(api, counts).TakeAsync(Login.Cancellation)).Value;

    private static string Page(AccountContext context) => Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    /// <summary>The API as an interface has it: services that are known are answered, others rejected.</summary>
    private sealed class Api(Dictionary<string, string> answers) : IErganiApi
    {
        public List<string> Asked { get; } = [];

        public string? Fails { get; init; }

        public Task<IApiResponse<ErganiSubmissions>> GetSubmissionsAsync(ApiAccount account, CancellationToken cancellationToken) => Answer(new ErganiSubmissions(Entries(3)));

        public Task<IApiResponse<ErganiServices>> GetServicesAsync(ApiAccount account, CancellationToken cancellationToken) => Answer(new ErganiServices(Entries(4)));

        public Task<IApiResponse<ErganiServiceAnswer>> ExecuteServiceAsync(ApiAccount account, ErganiServiceCall order, CancellationToken cancellationToken)
        {
            Asked.Add(order.ServiceCode);
            return order.ServiceCode == Fails ? Answer<ErganiServiceAnswer>(null, HttpStatusCode.InternalServerError)
                : answers.TryGetValue(order.ServiceCode, out var answer) ? Answer(new ErganiServiceAnswer(Json(answer)))
                : Answer<ErganiServiceAnswer>(null, HttpStatusCode.Forbidden);
        }

        public Task<IApiResponse> LogoutAsync(ApiAccount account, string? authorization, string refreshToken, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("a census does not log out");

        private static ErganiEntry[] Entries(int count) => [.. Enumerable.Range(0, count).Select(n => new ErganiEntry($"{n}", null))];

        private static Task<IApiResponse<T>> Answer<T>(T? value, HttpStatusCode status = HttpStatusCode.OK) where T : class =>
            Task.FromResult<IApiResponse<T>>(new ApiResponse<T>(new HttpRequestMessage(), new HttpResponseMessage(status), value, new RefitSettings(), null));
    }
}

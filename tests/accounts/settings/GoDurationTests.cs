using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Edge cases of <c>time.ParseDuration</c>, with the results of Go.</summary>
public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("0s", 0)]
    [InlineData("-1s", -10_000_000)]
    [InlineData("300ms", 3_000_000)]
    [InlineData("1us", 10)]
    [InlineData("1\u00b5s", 10)]
    [InlineData("1\u03bcs", 10)]
    [InlineData("100ns", 1)]
    [InlineData("99ns", 0)]
    [InlineData("50ns50ns", 1)]
    [InlineData("1.s", 10_000_000)]
    [InlineData(".5s", 5_000_000)]
    [InlineData("1m1h", 36_600_000_000)]
    [InlineData("39h9m14.425s", 1_409_544_250_000)]
    [InlineData("0.100000000000000000000h", 3_600_000_000)]
    [InlineData("0.3333333333333333333h", 11_999_999_999)]
    [InlineData("00000000000000000000000000001s", 10_000_000)]
    [InlineData("9223372036854775807ns", 92_233_720_368_547_758)]
    [InlineData("2562047h47m16.854775807s", 92_233_720_368_547_758)]
    [InlineData("-2562047h47m16.854775807s", -92_233_720_368_547_758)]
    [InlineData("1d12h", 1_296_000_000_000)]
    public void Durations_that_Go_accepts_are_accepted(string text, long ticks) =>
        Assert.Equal(new Result<TimeSpan, string>(TimeSpan.FromTicks(ticks), null), GoDuration.Parse(text));

    [Theory]
    [InlineData("", "\"\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData("-", "\"-\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData(".", "\".\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData(".s", "\".s\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData("+-3h", "\"+-3h\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData("1m.", "\"1m.\" is not a duration; write it like 8m, 90s or 1h30m")]
    [InlineData("00", "\"00\": a duration needs a unit, for example 00m")]
    [InlineData("8", "\"8\": a duration needs a unit, for example 8m")]
    [InlineData("123456", "\"123456\": a duration needs a unit, for example 8m")]
    [InlineData("1h30", "\"1h30\": a duration needs a unit, for example 30m")]
    [InlineData("1e3s", "\"1e3s\": there is no unit \"e\" for a duration; the units are ns, us, ms, s, m, h and d")]
    [InlineData("8M", "\"8M\": there is no unit \"M\" for a duration; the units are ns, us, ms, s, m, h and d")]
    [InlineData("8 m", "\"8 m\": there is no unit \" m\" for a duration; the units are ns, us, ms, s, m, h and d")]
    [InlineData("9223372036854775808ns", "\"9223372036854775808ns\": the maximum duration is 292 years; use a shorter one")]
    [InlineData("2562048h", "\"2562048h\": the maximum duration is 292 years; use a shorter one")]
    [InlineData("106751d1d1d1d", "\"106751d1d1d1d\": the maximum duration is 292 years; use a shorter one")]
    [InlineData("99999999999999999999999999999999999999d",
        "\"99999999999999999999999999999999999999d\": the maximum duration is 292 years; use a shorter one")]
    public void Durations_that_Go_rejects_are_rejected_with_the_fix(string text, string problem) =>
        Assert.Equal(new Result<TimeSpan, string>(default, problem), GoDuration.Parse(text));

    [Theory]
    [InlineData("0s")]
    [InlineData("8m")]
    [InlineData("1h30m")]
    [InlineData("-1m300ms")]
    [InlineData("2d4us")]
    [InlineData("100ns")]
    public void A_formatted_duration_has_the_same_text(string text) =>
        Assert.Equal(text, GoDuration.Text(GoDuration.Parse(text).Value));

    [Fact]
    public void Any_text_is_a_problem_or_a_duration_that_survives_formatting()
    {
        var random = new Random(4);
        const string Letters = "0123456789.+-hmsnudµ ";
        for (var i = 0; i < 20_000; i++)
        {
            var (value, problem) = GoDuration.Parse(new string(random.GetItems<char>(Letters, random.Next(12))));
            Assert.True(problem is not null || GoDuration.Parse(GoDuration.Text(value)).Value == value);
        }
    }
}

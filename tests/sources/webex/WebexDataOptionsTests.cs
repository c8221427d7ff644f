using Exporter.Tests.Support;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

public sealed class WebexDataOptionsTests
{
    [Theory]
    [InlineData("WEBEX_EXTEND_ONLY", "ds-1", "WEBEX_EXTEND_ONLY: nothing is extended; set extend_data_sources as well")]
    [InlineData("WEBEX_EXTEND_LIFETIME", "25h", "too large")]
    [InlineData("WEBEX_REFRESH_INTERVAL", "5s", "too small")]
    [InlineData("WEBEX_EXTEND_DATA_SOURCES", "perhaps", "perhaps")]
    public void A_wrong_setting_is_a_problem(string variable, string value, string part) =>
        Assert.Contains(
            Problems((variable, value)), problem =>
            problem.StartsWith($"{variable}: ", StringComparison.Ordinal) && problem.Contains(part, StringComparison.Ordinal));

    [Theory]
    [InlineData("5m", "24h", "2h", true)]
    [InlineData("2h", "24h", "2h", false)]
    [InlineData("5m", "10m", "2h", false)]
    [InlineData("5m", "11m", "2h", true)]
    public void A_token_that_could_expire_between_readings_is_a_problem(string interval, string lifetime, string margin, bool good)
    {
        var problems = Problems(
            ("WEBEX_EXTEND_DATA_SOURCES", "true"), ("WEBEX_REFRESH_INTERVAL", interval), ("WEBEX_EXTEND_LIFETIME", lifetime),
            ("WEBEX_EXTEND_MARGIN", margin));

        Assert.Equal(good, !problems.Any(p => p.Contains("a signed token could expire between two readings", StringComparison.Ordinal)));
    }

    private static IReadOnlyList<string> Problems(params (string Name, string Value)[] variables)
    {
        using var directory = new TemporaryDirectory();
        directory.Write(
            "token-config.json",
            """{"serviceApp":{"appId":"a","clientId":"c","clientSecret":"s","targetOrgId":"o"},"tokenManager":{"personalAccessToken":"p"}}""");
        var all = variables.Append(("WEBEX_CONFIG_FILE", directory["token-config.json"]));
        return Configured.Of(new WebexSource(), null, all.ToDictionary(v => v.Item1, v => v.Item2), directory).Problems;
    }
}

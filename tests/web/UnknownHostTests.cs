using Xunit;

namespace Exporter.Tests.Web;

/// <summary>A browser that uses a name for the exporter that it does not accept.</summary>
public sealed class UnknownHostTests
{
    [Fact]
    public async Task The_page_for_an_unknown_host_name_has_the_setting_that_permits_it()
    {
        await using var bench = await WebBench.StartAsync();

        var page = (await bench.Get("/", ("Host", "weather.example.org:9210"))).Body;

        Assert.Contains("not configured for the host name weather.example.org.", page, StringComparison.Ordinal);
        Assert.Contains("<code>--external-url http://weather.example.org:9210</code>", page, StringComparison.Ordinal);
        Assert.Contains("<code>-e NETATMO_EXPORTER_EXTERNAL_URL=http://weather.example.org:9210</code>", page, StringComparison.Ordinal);
        Assert.Contains("<code>--web.allowed-host weather.example.org</code>", page, StringComparison.Ordinal);
    }
}

using Exporter.Web;
using Microsoft.Extensions.Primitives;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Web;

public class NegotiationTests
{
    private const string Prometheus2 =
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    private const string Prometheus3 =
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    [Theory]
    [InlineData(Prometheus2)]
    [InlineData(Prometheus3)]
    [InlineData("application/openmetrics-text")]
    [InlineData("application/openmetrics-text; version=0.0.1")]
    [InlineData("Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.9 , text/plain;q=0.8")]
    [InlineData("application/openmetrics-text, text/plain")]
    [InlineData("application/openmetrics-text;version=2.0.0, application/openmetrics-text;version=1.0.0;q=0.2")]
    [InlineData("text/plain;q=0, application/openmetrics-text;q=0.001")]
    public void OpenMetrics_is_sent_if_it_has_the_highest_weight(string accept) =>
        Assert.Equal(ExpositionFormat.OpenMetricsText, Negotiation.Format(accept));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("*/*")]
    [InlineData("text/*")]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8")]
    [InlineData("text/plain;version=0.0.4;q=1,*/*;q=0.1")]
    [InlineData("text/plain, application/openmetrics-text")]
    [InlineData("application/openmetrics-text;q=0.3,text/plain;q=0.4")]
    [InlineData("application/openmetrics-text;q=0")]
    [InlineData("application/openmetrics-text;q=2")]
    [InlineData("application/openmetrics-text;q=often")]
    [InlineData("application/openmetrics-text;version=2.0.0")]
    [InlineData("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")]
    [InlineData("application/openmetrics-textual")]
    [InlineData(",;,;q=;=,,")]
    [InlineData(";;;")]
    public void Otherwise_the_text_format_is_sent(string? accept) => Assert.Equal(ExpositionFormat.PrometheusText, Negotiation.Format(accept));

    [Fact]
    public void A_header_in_two_lines_is_one_list() =>
        Assert.Equal(ExpositionFormat.OpenMetricsText, Negotiation.Format(new StringValues(["text/plain;q=0.5", "application/openmetrics-text"])));

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("GZIP", true)]
    [InlineData("x-gzip", true)]
    [InlineData("deflate, gzip;q=0.5", true)]
    [InlineData("*", true)]
    [InlineData("*;q=0.1", true)]
    [InlineData("gzip;q=1.0, identity;q=0.5, *;q=0", true)]
    [InlineData("gzip;q=0.5, identity;q=0.5", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("identity", false)]
    [InlineData("br, zstd", false)]
    [InlineData("gzip;q=0", false)]
    [InlineData("gzip;q=0.000, *", false)]
    [InlineData("*;q=0", false)]
    [InlineData("identity, gzip;q=0.5", false)]
    [InlineData("gzip;q=nan", false)]
    [InlineData("gzipped", false)]
    public void Gzip_is_sent_if_it_is_accepted(string? acceptEncoding, bool accepted) => Assert.Equal(accepted, Negotiation.Gzip(acceptEncoding));

    [Fact]
    public void Nothing_is_allocated()
    {
        StringValues accept = Prometheus3, acceptEncoding = "gzip";
        Negotiation.Format(accept);
        Negotiation.Gzip(acceptEncoding);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Negotiation.Format(accept);
        Negotiation.Gzip(acceptEncoding);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}

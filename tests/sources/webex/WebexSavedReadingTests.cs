using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Readings that are saved and restored in another process.</summary>
public sealed class WebexSavedReadingTests
{
    private static readonly DateTimeOffset[] Times = [DataSourceResponses.Now.AddHours(20), DataSourceResponses.Now.AddDays(3)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_reading_is_exported_as_before_and_has_no_secret()
    {
        using var readings = Readings();

        var saved = SavedReadings<WebexReading>.Text(await readings.CheckAsync(await EverythingAsync(), Times));

        foreach (var secret in new[] { DataSourceResponses.Nonce, "a-secret-in-the-path", DataSourceResponses.Jws().Split('.')[1] })
        {
            Assert.DoesNotContain(secret, saved, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("jwsToken")]
    [InlineData("tokenExpiryTime")]
    [InlineData("tokenLifetimeMinutes")]
    [InlineData("url")]
    [InlineData("url", "grpcs://Voice.EXAMPLE:8443/path")]
    [InlineData("url", "https://[2001:db8::1]:8443/path")]
    [InlineData("url", "file:///etc/passwd")]
    [InlineData("url", "not an address")]
    [InlineData("status")]
    [InlineData("status", "hibernating")]
    [InlineData("nonce", "another")]
    [InlineData("id")]
    public async Task A_source_with_a_changed_member_is_exported_as_before(string member, string? value = null)
    {
        using var readings = Readings();
        var (with, alone) = (DataSourceResponses.Full("ds-odd"), DataSourceResponses.Full("ds-alone"));
        alone.Remove("jwsToken");
        foreach (var odd in new[] { with, alone })
        {
            odd.Remove(member);
            if (value is not null)
            {
                odd[member] = value;
            }
        }
        var sources = await DataSourceResponses.ListedAsync(DataSourceResponses.List(with, alone));

        await readings.CheckAsync(new WebexReading(sources, null, ExtensionCounts.None), Times);
    }

    [Fact]
    public async Task A_reading_without_data_sources_is_exported_as_before()
    {
        using var readings = Readings();

        await readings.CheckAsync(new WebexReading([], [], ExtensionCounts.None), Times);
    }

    [Fact]
    public async Task A_damaged_reading_is_handled()
    {
        using var readings = Readings();

        await readings.CheckDamageAsync(await EverythingAsync(), Times);
    }

    private static async Task<WebexReading> EverythingAsync()
    {
        var extensions = ExtensionCounts.None.WithZeros("ds-1").WithSuccess("ds-1").WithSuccess("ds-2").WithFailure("ds-2", "unavailable");
        var schemas = Results.Value(await DataSourceResponses.CallAsync(api => api.ListSchemasAsync(Cancellation), DataSourceResponses.Schemas));
        var mismatched = DataSourceResponses.Full("ds-3");
        mismatched["jwsToken"] = DataSourceResponses.Jws(("aud", "another"), ("com.cisco.org.uuid", "another"));
        var sources = await DataSourceResponses.ListedAsync(DataSourceResponses.List(
            DataSourceResponses.Full(), DataSourceResponses.Disabled(), mismatched, new JsonObject { ["applicationId"] = "nameless" }));
        return new WebexReading(sources, schemas, extensions);
    }

    private static SavedReadings<WebexReading> Readings() => new(
        SavedWebexReading.Format(PollMemories.None),
        (reading, _) => new ReadingMetrics([.. WebexMetrics.From(reading)], null), WebexPresentation.Of, DataSourceResponses.Now);
}

using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Program;

public sealed class LogfmtLoggerTests
{
    [Fact]
    public void External_text_cannot_forge_a_line() =>
        Assert.Equal(
            "level=error msg=\"the provider returned a\\nlevel=info msg=\\\"b\\\"?[31m\"\n",
            Log(LogLevel.Information, l => l.LogError("the provider returned {Text}", "a\nlevel=info msg=\"b\"\u001b[31m")));

    [Fact]
    public void A_line_on_a_terminal_has_the_local_time()
    {
        using var output = new StringWriter();
        var time = new ClockOfMumbai();
        using (var logging = LogfmtLogger.CreateFactory(LogLevel.Information, output, time))
        {
            logging.CreateLogger("exporter").LogInformation("listening");
        }
        new KeepLog(output, time).Info("renewed");

        Assert.Equal("time=2026-11-21T17:30:00+05:30 level=info msg=\"listening\"\n2026-11-21T17:30:00+05:30 [info] renewed\n", output.ToString());
    }

    [Theory]
    [InlineData(LogLevel.Information, false)]
    [InlineData(LogLevel.Debug, true)]
    public void A_stack_trace_is_logged_at_debug_only(LogLevel minimumLevel, bool shown)
    {
        var lines = Log(minimumLevel, l =>
        {
            try
            {
                throw new InvalidOperationException("broken");
            }
            catch (InvalidOperationException e)
            {
                l.LogError(e, "it failed");
            }
        });

        Assert.Contains("InvalidOperationException: broken", lines, StringComparison.Ordinal);
        Assert.Equal(shown, lines.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_framework_logs_information_at_debug_only()
    {
        Assert.Empty(Log(LogLevel.Information, l => l.LogInformation("request started"), "Microsoft.AspNetCore.Hosting"));
        Assert.NotEmpty(Log(LogLevel.Debug, l => l.LogInformation("request started"), "Microsoft.AspNetCore.Hosting"));
        Assert.NotEmpty(Log(LogLevel.Information, l => l.LogWarning("odd"), "Microsoft.AspNetCore.Server.Kestrel"));
    }

    private static string Log(LogLevel minimumLevel, Action<ILogger> log, string category = "exporter")
    {
        using var output = new StringWriter();
        using (var logging = LogfmtLogger.CreateFactory(minimumLevel, output))
        {
            log(logging.CreateLogger(category));
        }
        return output.ToString();
    }

    private sealed class ClockOfMumbai : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone { get; } =
            TimeZoneInfo.CreateCustomTimeZone("Mumbai", TimeSpan.FromHours(5.5), "Mumbai", "Mumbai");

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    }
}

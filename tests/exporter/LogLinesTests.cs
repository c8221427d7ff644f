using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Program;

public sealed class LogLinesTests
{
    [Fact]
    public void What_comes_from_outside_cannot_make_a_line_of_its_own() =>
        Assert.Equal("level=error msg=\"the provider says a\\nlevel=info msg=\\\"b\\\"?[31m\"\n", Log(LogLevel.Information, l => l.LogError("the provider says {Text}", "a\nlevel=info msg=\"b\"\u001b[31m")));

    [Theory]
    [InlineData(LogLevel.Information, false)]
    [InlineData(LogLevel.Debug, true)]
    public void A_stack_trace_is_there_for_whoever_asked_for_it(LogLevel least, bool shown)
    {
        var lines = Log(least, l =>
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
    public void The_framework_is_quiet_at_info_and_heard_at_debug()
    {
        Assert.Empty(Log(LogLevel.Information, l => l.LogInformation("request started"), "Microsoft.AspNetCore.Hosting"));
        Assert.NotEmpty(Log(LogLevel.Debug, l => l.LogInformation("request started"), "Microsoft.AspNetCore.Hosting"));
        Assert.NotEmpty(Log(LogLevel.Information, l => l.LogWarning("odd"), "Microsoft.AspNetCore.Server.Kestrel"));
    }

    private static string Log(LogLevel least, Action<ILogger> log, string category = "exporter")
    {
        using var output = new StringWriter();
        using (var logging = LogLines.Factory(least, output))
        {
            log(logging.CreateLogger(category));
        }
        return output.ToString();
    }
}

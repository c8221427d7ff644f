using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>The command <c>login-link</c>. tests/web/LoginLinkTests.cs opens such links.</summary>
public sealed class LoginLinkCommandTests
{
    [Fact]
    public async Task It_prints_the_link_and_nothing_else_to_standard_output()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunAsync(
            "login-link", "home", "--state-folder", bench["state"], "--external-url", "https://example.org/weather/"));

        Assert.Matches(@"^https://example\.org/weather/auth/link\?account=home&until=\d+&id=[\w-]{22}&signature=[\w-]{43}\n$", bench.Output);
        Assert.Contains("Open this link once within 30 minutes:", bench.Error, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench["state/login-link.key"]));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(bench["state"]));
    }

    [Fact]
    public async Task A_derived_URL_has_a_hint_for_other_machines()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunAsync("login-link", "car", "--state-folder", bench["state"]));

        Assert.StartsWith("http://127.0.0.1:9210/auth/link?account=car&", bench.Output, StringComparison.Ordinal);
        Assert.Contains("(from another machine, replace 127.0.0.1 with the address of this one)", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There are several accounts; choose one of: home, car.")]
    [InlineData("There is no account hom; choose one of: home, car.", "hom")]
    [InlineData("/proc/nothing cannot be used", "home", "--state-folder", "/proc/nothing")]
    [InlineData("--web.allow-login-from: x is not a network", "home", "--web.allow-login-from", "x")]
    public async Task A_problem_prints_no_link(string problem, params string[] arguments)
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync(["login-link", .. arguments, .. arguments.Contains("--state-folder") ? [] : (string[])["--state-folder", bench["state"]]]));

        Assert.Contains(problem, bench.Error, StringComparison.Ordinal);
        Assert.Equal("", bench.Output);
    }

    /// <summary>In a container, the settings of the running exporter may be flags, which this command does not know.</summary>
    [Fact]
    public async Task An_account_by_flags_of_the_exporter_needs_no_settings_here()
    {
        await using var bench = await CommandBench.StartAsync();
        var environment = new Dictionary<string, string> { ["EXPORTER_STATE_FOLDER"] = bench["state"] };

        Assert.Equal(0, await bench.RunWithoutConfigurationAsync(environment, TestContext.Current.CancellationToken, "login-link", "home"));

        Assert.Contains("/auth/link?account=home&", bench.Output, StringComparison.Ordinal);
    }
}

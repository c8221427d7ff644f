using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Exporter.Sandbox.Command;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class SandboxCommandTests
{
    [Fact]
    public async Task The_command_prints_everything_to_get_started_and_shuts_down_on_cancellation()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var output = new Announcement(lines: 12);
        var command = SandboxCommand.Create().Parse(
            ["--listen", "127.0.0.1:0", "--stations", "large", "--access-lifetime", "90s", "--client-id", "me", "--client-secret", "@secret"],
            SandboxCommand.Parsing);
        var running = command.InvokeAsync(new InvocationConfiguration { Output = output }, stop.Token);

        var text = await output.Printed.WaitAsync(stop.Token);
        string Printed(string label) => Regex.Match(text, $@"{label}: +(\S+)").Groups[1].Value;
        Assert.Equal(("me", "@secret"), (Printed("Client id"), Printed("Client secret")));
        using var http = new HttpClient { BaseAddress = new Uri(Printed("Address")) };
        using var answer = await http.PostAsync("/oauth2/token", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = Printed("Refresh token"),
            ["client_id"] = "me",
            ["client_secret"] = "@secret",
        }), stop.Token);
        Assert.Contains("\"expires_in\":90,", await answer.Content.ReadAsStringAsync(stop.Token), StringComparison.Ordinal);
        var client = Regex.Match(text, @"Webex client: +(\S+) with (\S+)");
        using var webex = await http.PostAsync("/v1/access_token", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = Printed("Webex refresh token"),
            ["client_id"] = client.Groups[1].Value,
            ["client_secret"] = client.Groups[2].Value,
        }), stop.Token);
        Assert.Contains("\"expires_in\":90,", await webex.Content.ReadAsStringAsync(stop.Token), StringComparison.Ordinal);

        await stop.CancelAsync();
        Assert.Equal(0, await running);
    }

    [Theory]
    [InlineData("--listen", "9300")]
    [InlineData("--listen", "::1")]
    [InlineData("--listen", "localhost:9300")]
    [InlineData("--access-lifetime", "90")]
    [InlineData("--access-lifetime", "0s")]
    [InlineData("--access-lifetime", "-3h")]
    [InlineData("--access-lifetime", "")]
    [InlineData("--stations", "/nowhere/stations.json")]
    [InlineData("--http-recipes", "/nowhere/recipes")]
    [InlineData("--http-limit", "-1")]
    [InlineData("--http-limit-header", "x-wait")]
    public void An_invalid_value_is_reported_with_its_flag(string flag, string value)
    {
        var error = Assert.Single(SandboxCommand.Create().Parse([flag, value], SandboxCommand.Parsing).Errors);
        Assert.StartsWith($"{flag} {value}: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_in_use_is_reported_in_a_sentence()
    {
        using var first = new TcpListener(IPAddress.Loopback, TwoPorts());
        first.Start();

        Assert.StartsWith($"Cannot listen on {first.LocalEndpoint}: ", await FailsAsync($"{first.LocalEndpoint}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_of_the_stream_in_use_is_reported_in_a_sentence()
    {
        var port = TwoPorts();
        using var first = new TcpListener(IPAddress.Loopback, port + 1);
        first.Start();

        Assert.StartsWith($"Cannot listen on 127.0.0.1:{port}: BMW's stream needs 127.0.0.1:{port + 1}: ", await FailsAsync($"127.0.0.1:{port}"),
            StringComparison.Ordinal);
    }

    /// <summary>A free port whose next one is free too.</summary>
    private static int TwoPorts()
    {
        var port = FreePort.Take();
        for (var next = FreePort.Take(); next != port + 1; next = FreePort.Take())
        {
            port = next;
        }
        return port;
    }

    private static async Task<string> FailsAsync(string listen)
    {
        using var error = new StringWriter();
        var command = SandboxCommand.Create().Parse(["--listen", listen], SandboxCommand.Parsing);
        Assert.Equal(1, await command.InvokeAsync(new InvocationConfiguration { Error = error }, TestContext.Current.CancellationToken));
        return error.ToString();
    }

    /// <summary>Completes a task with the output when its first lines have been flushed.</summary>
    private sealed class Announcement(int lines) : StringWriter
    {
        private readonly TaskCompletionSource<string> printed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Printed => printed.Task;

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            if (ToString().AsSpan().Count('\n') >= lines)
            {
                printed.TrySetResult(ToString());
            }
            return base.FlushAsync(cancellationToken);
        }
    }
}

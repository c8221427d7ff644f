using Exporter.Sandbox;
using System.Text;
using System.Text.Json;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwCommandsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Topic => $"{Mosquitto.User}/{Car.Electric}";

    [Fact]
    public async Task The_stream_command_prints_a_line_for_each_message()
    {
        await using var bench = await CarCommands.StartAsync();
        bench.LogIn();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = bench.RunUntilAsync(stop.Token, "bmw-cardata", "stream");
        await bench.WaitForErrorAsync("Connected to 127.0.0.1");

        await bench.Broker.Publish(StreamBench.IdToken(0), Topic, [" { \"vin\" : \"WBY00000000000001\",  \"data\" : {} } ", "not json"]);
        await bench.WaitForOutputAsync("not json");
        await stop.CancelAsync();

        Assert.Equal(0, await running);
        Assert.Equal("{\"vin\":\"WBY00000000000001\",\"data\":{}}\n\"not json\"\n", bench.Output);
        Assert.Contains("disconnects a running exporter", bench.Error, StringComparison.Ordinal);
        Assert.False(CollectedLog.Leaks(bench.Error, StreamBench.IdToken(0)));
    }

    [Fact]
    public async Task The_printed_credentials_open_the_stream()
    {
        await using var bench = await CarCommands.StartAsync();
        bench.LogIn();

        Assert.Equal(0, await bench.RunAsync("credentials", "--once"));

        Assert.Equal($"""
            MQTT Connection Information
            ============================================================
            Host: 127.0.0.1
            Port: {bench.Broker.Port}
            Username: gcid
            Topic: gcid/+
            ============================================================
            Password: {StreamBench.IdToken(0)}
            Expires: 2026-11-21 13:00:00Z

            """, bench.Output);
        var printed = bench.Output.Split('\n').Where(line => line.Contains(": ", StringComparison.Ordinal))
            .Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        await using var subscriber = Peer.Start("stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-d", "-C", "1",
            "-h", printed["Host"], "-p", printed["Port"], "-u", printed["Username"], "-P", printed["Password"],
            "-t", printed["Topic"], "-q", "1", "--cafile", bench.Broker.CertificateFile);
        await subscriber.Says("Subscribed", Cancellation);
        await bench.Broker.Publish(StreamBench.IdToken(0), Topic, "hello car");
        await subscriber.Says("hello car", Cancellation);
    }

    [Fact]
    public async Task The_credentials_are_available_as_JSON()
    {
        await using var bench = await CarCommands.StartAsync();
        bench.LogIn();

        Assert.Equal(0, await bench.RunAsync("credentials", "--once", "--json"));

        using var json = JsonDocument.Parse(bench.Output);
        Assert.Equal(StreamBench.IdToken(0), json.RootElement.GetProperty("password").GetString());
        Assert.Equal("gcid", json.RootElement.GetProperty("username").GetString());
        Assert.Equal("gcid/+", json.RootElement.GetProperty("topics")[0].GetString());
        Assert.Equal(ManualTime.Start.AddHours(1), json.RootElement.GetProperty("expires_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task Each_new_password_is_printed()
    {
        await using var bench = await CarCommands.StartAsync();
        bench.LogIn();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = bench.RunUntilAsync(stop.Token, "credentials");
        await bench.WaitForOutputAsync("Expires: ");

        // The clock advances meanwhile, so compare the last printed password with the current file.
        await bench.AdvanceUntilAsync(() =>
            bench.Read("car.json").Text("id_token") is { } renewed && renewed != StreamBench.IdToken(0)
            && bench.Output.EndsWith($"Updated Password: {renewed}\nExpires: {Jwt.Expiry(new Secret(renewed)):u}\n", StringComparison.Ordinal));
        await stop.CancelAsync();

        Assert.Equal(0, await running);
    }

    [Fact]
    public async Task A_token_without_an_ID_token_is_an_error()
    {
        await using var bench = await CarCommands.StartAsync();
        var expiry = bench.Time.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        bench.Write("car.json", $$"""{"access_token": "a", "refresh_token": "r", "gcid": "gcid", "expires_at": {{expiry}}}""");

        Assert.Equal(1, await bench.RunAsync("credentials"));

        Assert.Equal(("", "the token has no ID token, which is the password of the stream: log in again.\n"), (bench.Output, bench.Error));
    }

    [Fact]
    public async Task Without_a_login_the_command_prompts_on_stderr()
    {
        await using var bench = await CarCommands.StartAsync();
        var running = bench.RunAsync("credentials", "--once", "--json");
        await bench.PollUntilAsync(() =>
            bench.Sandbox.Bmw.DeviceCode.Requests > 0 && bench.Error.Contains("code", StringComparison.OrdinalIgnoreCase));
        Assert.Equal("", bench.Output);

        await bench.PollUntilAsync(() => EnterCode(bench));
        await bench.PollUntilAsync(() => running.IsCompleted);

        Assert.Equal(0, await running);
        var output = JsonDocument.Parse(Encoding.UTF8.GetBytes(bench.Output)).RootElement;
        Assert.Equal(bench.Read("car.json").Text("id_token"), output.GetProperty("password").GetString());
    }

    /// <summary>Enters the printed code; false if no code was printed yet.</summary>
    private static bool EnterCode(CarCommands bench) => bench.Error.Split([' ', '\n', '=', '.', ':'], StringSplitOptions.RemoveEmptyEntries)
        .Any(word => bench.Sandbox.Bmw.Decide(word, approve: true));
}

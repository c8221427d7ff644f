using System.Text.Json;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary><c>exporter webex data-sources …</c> as the program wires it, at the stand-in.</summary>
public sealed class DataSourceCommandTests
{
    [Fact]
    public async Task A_list_is_a_table_of_what_matters()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var (active, disabled) = (bench.Sources.Add("https://voice.example.com/grpc"), bench.Sources.Add("https://archive.example.com/grpc", "moving", lifetimeMinutes: 45));

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "list"));

        var lines = bench.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["id", "status", "schema", "token ends", "left", "url"], lines[0].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal([active.Id, "active", active.SchemaId, $"{active.TokenExpiry:u}", "24 h 0 min", active.Url], lines[1].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal([disabled.Id, "disabled", disabled.SchemaId, $"{disabled.TokenExpiry:u}", "45 min", disabled.Url], lines[2].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal("", bench.Error);
    }

    [Fact]
    public async Task No_data_sources_are_said_to_be_none()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "list"));

        Assert.Equal("There are no data sources.\n", bench.Output);
    }

    [Fact]
    public async Task As_JSON_a_list_has_everything_but_token_and_nonce_and_can_be_saved()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var source = bench.Sources.Add("https://voice.example.com/grpc");

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "list", "--json", "--save-list", bench["saved"]));

        var listed = JsonNode.Parse(bench.Output)!.AsArray().Single()!;
        Assert.Equal((source.Id, 1440), (listed["id"]!.GetValue<string>(), listed["token_lifetime_minutes"]!.GetValue<int>()));
        var file = Directory.GetFiles(bench["saved"], "data_sources_list_*.json").Single();
        Assert.Equal(bench.Output.Trim(), File.ReadAllText(file).Trim());
        Assert.Equal($"Written to {file}.\n", bench.Error);
        bench.HasNoSecret();
    }

    [Fact]
    public async Task One_is_shown_with_what_its_signed_token_says()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var source = bench.Sources.Add("https://archive.example.com/grpc", "The gateway is being moved");

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "show", source.Id));

        Assert.Contains("error message    The gateway is being moved\n", bench.Output);
        Assert.Contains("token issued by  https://idbroker.webex.com/idb\n", bench.Output);
        Assert.Contains($"token ends       {source.TokenExpiry:u} (24 h 0 min)\n", bench.Output);
        bench.HasNoSecret();
        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "show", "nowhere"));
        Assert.Contains("Webex has no such thing", bench.RecentError);
    }

    [Theory]
    [InlineData(null, 1440)]
    [InlineData("60", 60)]
    public async Task An_extension_lasts_as_long_as_asked_and_a_disabled_source_stays_so(string? minutes, int lasts)
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var source = bench.Sources.Add("https://archive.example.com/grpc", "moving", lifetimeMinutes: 30);
        bench.Time.Advance(TimeSpan.FromMinutes(10));
        string[] arguments = ["webex", "data-sources", "extend", source.Id, "--record", bench["records"], .. minutes is null ? [] : new[] { "--minutes", minutes }];

        Assert.Equal(0, await bench.RunAsync(arguments));

        var extended = bench.Sources.All.Single();
        Assert.Equal((bench.Time.GetUtcNow().AddMinutes(lasts), "disabled", "moving"), (extended.TokenExpiry, extended.Status, extended.ErrorMessage));
        Assert.NotEqual(source.Nonce, extended.Nonce);
        using var record = JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(bench["records"], $"data_source_extend_{source.Id}_*.json").Single()));
        Assert.Equal(("extend", source.Id), (record.RootElement.GetProperty("operation").GetString(), record.RootElement.GetProperty("data_source").GetProperty("id").GetString()));
        Assert.DoesNotContain(extended.JwsToken, record.RootElement.GetRawText());
        bench.HasNoSecret();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1441")]
    [InlineData("soon")]
    public async Task A_lifetime_that_Webex_does_not_allow_is_not_sent(string minutes)
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var source = bench.Sources.Add("https://voice.example.com/grpc");

        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "extend", source.Id, "--minutes", minutes));

        Assert.Equal($"--minutes {minutes}: write a whole number from 1 to 1440.\n", bench.Error);
        Assert.Equal(0, bench.Provider.GetSource.Requests);
    }

    [Fact]
    public async Task A_registration_needs_an_address()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();

        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "register", "--audience", "BYODS"));

        Assert.Equal("A registration needs an address that Webex delivers to: --url.\n", bench.Error);
    }

    [Fact]
    public async Task A_failed_operation_has_its_record_too()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        bench.Provider.RegisterSource.Fail(new Fault.Refuse("409"));

        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "register", "--url", "https://new.example.com", "--record", bench["records"]));

        using var record = JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(bench["records"], "data_source_registration_failed_*.json").Single()));
        Assert.False(record.RootElement.GetProperty("success").GetBoolean());
        Assert.StartsWith("Webex rejects the request: ", record.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_is_registered_with_the_schema_of_the_voice_agent()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "register", "--url", "https://new.example.com", "--subject", "gateway", "--minutes", "90", "--json"));

        var source = bench.Sources.All.Single();
        Assert.Equal(("https://new.example.com", "5397013b-7920-4ffc-807c-e8a3e0a18f43", 90, "active"), (source.Url, source.SchemaId, source.TokenLifetimeMinutes, source.Status));
        Assert.Equal(("BYODS", "gateway"), (source.Audience, source.Subject));
        Assert.Equal(source.Id, JsonNode.Parse(bench.Output)!["id"]!.GetValue<string>());
        Assert.Equal("", bench.Error);
    }

    [Fact]
    public async Task An_update_changes_what_is_given_and_nothing_else()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        var source = bench.Sources.Add("https://voice.example.com/grpc", lifetimeMinutes: 30);
        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "update", source.Id, "--status", "disabled"));
        Assert.Equal("A disabled data source needs a reason; say it with --error-message.\n", bench.RecentError);
        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "update", source.Id, "--status", "asleep"));
        Assert.Equal("--status asleep: write active or disabled.\n", bench.RecentError);

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "update", source.Id, "--status", "disabled", "--error-message", "Moving house"));
        Assert.Equal(("disabled", "Moving house", source.Url, 30), Now());
        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "update", source.Id, "--url", "https://new.example.com"));
        Assert.Equal(("disabled", "Moving house", "https://new.example.com", 30), Now());
        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "update", source.Id, "--status", "active"));
        Assert.Equal(("active", null, "https://new.example.com", 30), Now());
        bench.HasNoSecret();

        (string, string?, string, int) Now() => (bench.Sources.All.Single().Status, bench.Sources.All.Single().ErrorMessage, bench.Sources.All.Single().Url, bench.Sources.All.Single().TokenLifetimeMinutes);
    }

    [Fact]
    public async Task Schemas_are_listed()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "schemas"));
        Assert.Contains("5397013b-7920-4ffc-807c-e8a3e0a18f43  VoiceVirtualAgent  gRPC", bench.Output);
        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "schemas", "--json"));
        Assert.Contains("\"service_type\": \"VoiceVirtualAgent\"", bench.Output);
    }

    [Fact]
    public async Task What_may_pass_is_to_be_tried_later_and_what_will_not_is_not()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        bench.Provider.ListSources.Fail(new Fault.TooManyRequests("7"), times: 1);
        Assert.Equal(2, await bench.RunAsync("webex", "data-sources", "list"));
        Assert.EndsWith("Try again in 7 s.\n", bench.RecentError, StringComparison.Ordinal);
        bench.Provider.ListSources.Fail(new Fault.Refuse("403"), times: 1);
        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "list"));
        Assert.Contains("Give it the scope spark-admin:datasource_read, and have a full admin authorize it in Control Hub again.", bench.RecentError);
    }

    [Fact]
    public async Task A_token_that_has_ended_is_renewed_on_the_way()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        bench.Sources.Add("https://voice.example.com/grpc");
        bench.Time.Advance(TimeSpan.FromDays(15));

        Assert.Equal(0, await bench.RunAsync("webex", "data-sources", "list", "--json"));

        Assert.Equal(1, bench.Provider.ServiceAppToken.Requests);
        JsonNode.Parse(bench.Output);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_said()
    {
        await using var bench = await WebexTerminal.LoggedInAsync();
        bench.Write("file", "");
        Assert.Equal(1, await bench.RunAsync("webex", "data-sources", "list", "--save-list", bench["file/below"]));
        Assert.StartsWith("The record could not be written to ", bench.Error, StringComparison.Ordinal);
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary><c>oauth-exporter webex data-sources …</c> in the real program, with the stand-in.</summary>
public sealed class DataSourceCommandTests
{
    [Fact]
    public async Task A_list_is_printed_as_a_table()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var (active, disabled) =
            (terminal.Sources.Add("https://voice.example.com/grpc"),
            terminal.Sources.Add("https://archive.example.com/grpc", "moving", lifetimeMinutes: 45));

        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "list"));

        var lines = terminal.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(
            ["id", "status", "schema", "token expires", "left", "url"],
            lines[0].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal(
            [active.Id, "active", active.SchemaId, $"{active.TokenExpiry:u}", "24 h 0 min", active.Url],
            lines[1].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal(
            [disabled.Id, "disabled", disabled.SchemaId, $"{disabled.TokenExpiry:u}", "45 min", disabled.Url],
            lines[2].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal("", terminal.Error);
    }

    [Fact]
    public async Task An_empty_list_prints_a_sentence()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();

        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "list"));

        Assert.Equal("There are no data sources.\n", terminal.Output);
    }

    [Fact]
    public async Task A_JSON_list_has_neither_token_nor_nonce_and_can_be_saved()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://voice.example.com/grpc");

        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "list", "--json", "--save-list", terminal["saved"]));

        var listed = JsonNode.Parse(terminal.Output)!.AsArray().Single()!;
        Assert.Equal((source.Id, 1440), (listed["id"]!.GetValue<string>(), listed["token_lifetime_minutes"]!.GetValue<int>()));
        var file = Directory.GetFiles(terminal["saved"], "data_sources_list_*.json").Single();
        Assert.Equal(terminal.Output.Trim(), File.ReadAllText(file).Trim());
        Assert.Equal($"Written to {file}.\n", terminal.Error);
        terminal.HasNoSecret();
    }

    [Fact]
    public async Task A_data_source_is_shown_with_the_claims_of_its_signed_token()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://archive.example.com/grpc", "The gateway is being moved");

        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "show", source.Id));

        Assert.Contains("error message    The gateway is being moved\n", terminal.Output);
        Assert.Contains("token issued by  https://idbroker.webex.com/idb\n", terminal.Output);
        Assert.Contains($"token expires    {source.TokenExpiry:u} (24 h 0 min)\n", terminal.Output);
        terminal.HasNoSecret();
        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "show", "nowhere"));
        Assert.Contains("Webex does not find the resource", terminal.RecentError);
    }

    [Theory]
    [InlineData(null, 1440)]
    [InlineData("60", 60)]
    public async Task An_extension_has_the_requested_lifetime_and_a_disabled_source_stays_disabled(string? minutes, int lasts)
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://archive.example.com/grpc", "moving", lifetimeMinutes: 30);
        terminal.Time.Advance(TimeSpan.FromMinutes(10));
        string[] arguments =
            ["webex", "data-sources", "extend", source.Id, "--record", terminal["records"], .. minutes is null ? [] : new[] { "--minutes", minutes }];

        Assert.Equal(0, await terminal.RunAsync(arguments));

        var extended = terminal.Sources.All.Single();
        Assert.Equal(
            (terminal.Time.GetUtcNow().AddMinutes(lasts), "disabled", "moving"), (extended.TokenExpiry, extended.Status, extended.ErrorMessage));
        Assert.NotEqual(source.Nonce, extended.Nonce);
        using var record =
            JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(terminal["records"], $"data_source_extend_{source.Id}_*.json").Single()));
        Assert.Equal(
            ("extend", source.Id),
            (record.RootElement.GetProperty("operation").GetString(), record.RootElement.GetProperty("data_source").GetProperty("id").GetString()));
        Assert.DoesNotContain(extended.JwsToken, record.RootElement.GetRawText());
        terminal.HasNoSecret();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1441")]
    [InlineData("soon")]
    public async Task A_lifetime_that_Webex_does_not_allow_is_not_sent(string minutes)
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://voice.example.com/grpc");

        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "extend", source.Id, "--minutes", minutes));

        Assert.Equal($"--minutes {minutes}: write a whole number from 1 to 1440.\n", terminal.Error);
        Assert.Equal(0, terminal.Provider.GetSource.Requests);
    }

    [Fact]
    public async Task A_registration_needs_an_address()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();

        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "register", "--audience", "BYODS"));

        Assert.Equal("A registration needs an address that Webex delivers to: --url.\n", terminal.Error);
    }

    [Fact]
    public async Task A_failed_operation_has_a_record()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        terminal.Provider.RegisterSource.Fail(new Fault.Refuse("409"));

        Assert.Equal(
            1, await terminal.RunAsync("webex", "data-sources", "register", "--url", "https://new.example.com", "--record", terminal["records"]));

        using var record =
            JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(terminal["records"], "data_source_registration_failed_*.json").Single()));
        Assert.False(record.RootElement.GetProperty("success").GetBoolean());
        Assert.StartsWith("Webex rejects the request: ", record.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_that_is_not_sent_has_a_record()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://voice.example.com/grpc");

        Assert.Equal(
            1, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--status", "disabled", "--record", terminal["records"]));

        var record = File.ReadAllText(Directory.GetFiles(terminal["records"], "data_source_update_failed_*.json").Single());
        Assert.Contains("A disabled data source needs a reason.", record, StringComparison.Ordinal);
        Assert.Equal(0, terminal.Provider.UpdateSource.Requests);
    }

    [Fact]
    public async Task The_default_schema_of_a_registration_is_the_voice_agents()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();

        Assert.Equal(
            0, await terminal.RunAsync(
            "webex", "data-sources", "register", "--url", "https://new.example.com", "--subject", "gateway", "--minutes", "90", "--json"));

        var source = terminal.Sources.All.Single();
        Assert.Equal(
            ("https://new.example.com", "5397013b-7920-4ffc-807c-e8a3e0a18f43", 90, "active"),
            (source.Url, source.SchemaId, source.TokenLifetimeMinutes, source.Status));
        Assert.Equal(("BYODS", "gateway"), (source.Audience, source.Subject));
        Assert.Equal(source.Id, JsonNode.Parse(terminal.Output)!["id"]!.GetValue<string>());
        Assert.Equal("", terminal.Error);
    }

    [Fact]
    public async Task An_update_changes_only_the_given_options()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        var source = terminal.Sources.Add("https://voice.example.com/grpc", lifetimeMinutes: 30);
        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--status", "disabled"));
        Assert.Equal("A disabled data source needs a reason. Set it with --error-message.\n", terminal.RecentError);
        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--status", "asleep"));
        Assert.Equal("--status asleep: write active or disabled.\n", terminal.RecentError);

        Assert.Equal(
            0, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--status", "disabled", "--error-message", "Moving house"));
        Assert.Equal(("disabled", "Moving house", source.Url, 30), Now());
        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--url", "https://new.example.com"));
        Assert.Equal(("disabled", "Moving house", "https://new.example.com", 30), Now());
        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "update", source.Id, "--status", "active"));
        Assert.Equal(("active", null, "https://new.example.com", 30), Now());
        terminal.HasNoSecret();

        (string, string?, string, int) Now() =>
            (terminal.Sources.All.Single().Status, terminal.Sources.All.Single().ErrorMessage, terminal.Sources.All.Single().Url,
            terminal.Sources.All.Single().TokenLifetimeMinutes);
    }

    [Fact]
    public async Task Schemas_are_listed()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "schemas"));
        Assert.Contains("5397013b-7920-4ffc-807c-e8a3e0a18f43  VoiceVirtualAgent  gRPC", terminal.Output);
        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "schemas", "--json"));
        Assert.Contains("\"service_type\": \"VoiceVirtualAgent\"", terminal.Output);
    }

    [Fact]
    public async Task The_exit_code_tells_temporary_from_permanent_failures()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        terminal.Provider.ListSources.Fail(new Fault.TooManyRequests("7"), times: 1);
        Assert.Equal(2, await terminal.RunAsync("webex", "data-sources", "list"));
        Assert.EndsWith("Try again in 7 s.\n", terminal.RecentError, StringComparison.Ordinal);
        terminal.Provider.ListSources.Fail(new Fault.Refuse("403"), times: 1);
        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "list"));
        Assert.Contains("Add the scope spark-admin:datasource_read, and have a full admin authorize it in Control Hub again.", terminal.RecentError);
    }

    [Fact]
    public async Task A_command_renews_an_expired_token()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        terminal.Sources.Add("https://voice.example.com/grpc");
        terminal.Time.Advance(TimeSpan.FromDays(15));

        Assert.Equal(0, await terminal.RunAsync("webex", "data-sources", "list", "--json"));

        Assert.Equal(1, terminal.Provider.ServiceAppToken.Requests);
        JsonNode.Parse(terminal.Output);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_written_is_reported()
    {
        await using var terminal = await WebexTerminal.LoggedInAsync();
        terminal.Write("file", "");
        Assert.Equal(1, await terminal.RunAsync("webex", "data-sources", "list", "--save-list", terminal["file/below"]));
        Assert.StartsWith("The record could not be written to ", terminal.Error, StringComparison.Ordinal);
    }
}

using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Whether a reload treats an account as unchanged.</summary>
public sealed class EqualConfigurationTests : IDisposable
{
    private const string Car = "accounts:\n  car: {source: bmw-cardata, client_id: 00000000-0000-0000-0000-000000000001, token_file: car.json";

    private readonly TemporaryDirectory directory = new();

    [Theory]
    [InlineData("", "", true)]
    [InlineData(", refresh_margin: 300s", ", refresh_margin: 5m", true)]
    [InlineData(", vin_alias: [WBA00000000000001=a]", ", vin_alias: [WBA00000000000001=a]", true)]
    [InlineData(", vin_alias: [WBA00000000000001=a]", ", vin_alias: [WBA00000000000001=b]", false)]
    [InlineData("", ", location: true", false)]
    [InlineData("", ", max_series: 5000", false)]
    [InlineData("", ", sink_file: out.env", false)]
    public void Accounts_are_equal_if_their_settings_have_equal_values(string one, string other, bool areEqual) =>
        Assert.Equal(areEqual, Read($"{Car}{one}}}\n").IsEqualTo(Read($"{Car}{other}}}\n")));

    [Fact]
    public void A_value_may_move_to_the_environment() => Assert.True(
        Read($"{Car}, location: true}}\n").IsEqualTo(Read($"{Car}}}\n", new() { ["EXPORTER_ACCOUNTS__CAR__LOCATION"] = "true" })));

    [Fact]
    public void Another_name_is_another_account() =>
        Assert.False(Read($"{Car}}}\n").IsEqualTo(Read($"{Car}}}\n".Replace("  car:", "  bus:", StringComparison.Ordinal))));

    [Fact]
    public void The_default_for_token_files_is_part_of_an_account()
    {
        Assert.False(Read($"{Car}}}\n").IsEqualTo(Read($"state_folder: elsewhere\n{Car}}}\n")));
        Assert.True(Read($"state_folder: here\n{Car}}}\n").IsEqualTo(Read($"state_folder: here\n{Car}}}\n")));
    }

    [Fact]
    public void The_content_of_a_file_that_a_setting_names_is_part_of_an_account()
    {
        const string Mapping = "some.key:\n  metric: bmw_vehicle_custom\n  help: A value.\n";
        directory.Write("mapping.yml", Mapping);
        var before = Read($"{Car}, mapping_file: mapping.yml}}\n");
        Assert.True(before.IsEqualTo(Read($"{Car}, mapping_file: mapping.yml}}\n")));

        directory.Write("mapping.yml", Mapping.Replace("A value", "Another value", StringComparison.Ordinal));

        Assert.False(before.IsEqualTo(Read($"{Car}, mapping_file: mapping.yml}}\n")));
    }

    [Fact]
    public void Program_settings_that_changed_are_found_by_their_value()
    {
        using var configured = new Configured();
        var before = configured.Load("addr: :9210\naccounts:\n  car: {source: car, vin: a, token_file: a}\n");
        var same = configured.Load("accounts:\n  bus: {source: car, vin: a, token_file: a}\n");
        var other = configured.Load("addr: :9211\ndebug: true\naccounts:\n  car: {source: car, vin: a, token_file: a}\n");

        Assert.Empty(same.ChangedProgramKeys(before));
        Assert.Equal(["addr", "debug"], other.ChangedProgramKeys(before));
    }

    public void Dispose() => directory.Dispose();

    private ConfiguredAccount Read(string yaml, Dictionary<string, string>? environment = null)
    {
        var (accounts, problems) = Support.Configured.Of(new BmwCarDataSource(), yaml, environment ?? [], directory);
        Assert.Empty(problems);
        return Assert.Single(accounts);
    }
}

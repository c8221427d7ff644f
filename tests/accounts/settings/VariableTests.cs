using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Values as people, shells and platforms put them into variables.</summary>
public sealed class VariableTests : IDisposable
{
    private readonly Configured configured = new();

    public VariableTests() => configured.Environment["TOKEN_FILE"] = "t";

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    [InlineData(" ")]
    [InlineData("\t\n\n")]
    public void White_space_at_the_ends_is_not_part_of_a_value(string tail)
    {
        configured.Environment["CLIENT_ID"] = $" app{tail}";
        configured.Environment["CLIENT_SECRET"] = $"hush{tail}";
        configured.Environment["API_URL"] = $"https://x.example{tail}";
        configured.Environment["INTERVAL"] = $"9m{tail}";

        Assert.Empty(configured.Problems());
        var section = Assert.Single(configured.Load().Accounts).Section;
        Assert.Equal(("app", "hush"), (section.Find(Configured.Id), section.Find(Configured.Password)?.Reveal()));
        Assert.Equal((new Uri("https://x.example"), TimeSpan.FromMinutes(9)), (section.Find(Configured.Api), section.Get(Configured.Interval)));
    }

    [Theory]
    [InlineData("t\n")]
    [InlineData("t\r")]
    public void A_line_end_is_not_part_of_a_path(string path)
    {
        configured.Environment["CLIENT_ID"] = "app";
        configured.Environment["TOKEN_FILE"] = path;

        Assert.Empty(configured.Problems());
        Assert.Equal(Path.Combine(configured.DirectoryPath, "t"), Assert.Single(configured.Load().Accounts).Section.Find(AccountSettings.TokenFile));
    }

    [Theory]
    [InlineData("\"app\"\n", "the value includes its quotes (\"…\"); remove them")]
    [InlineData(" \n", "there is no value; write one, or remove the setting")]
    [InlineData("a\npp", "the value contains a line break or another control character; write only the value, in one line")]
    public void What_cannot_be_a_value_is_named(string value, string problem)
    {
        configured.Environment["CLIENT_ID"] = value;

        Assert.Equal([$"CLIENT_ID: {problem}"], configured.Problems());
    }

    [Fact]
    public void Blanks_are_part_of_a_password_and_line_ends_are_not()
    {
        var password = Settings.Secret("password", "Password.", variable: "PASSWORD", mayEndWithBlanks: true);
        var raw = new RawValue([" hush \r\n"], new Origin(Layer.Environment, "PASSWORD", "/"));

        Assert.Equal(" hush ", ((Secret)password.ReadObject(raw).Value!).Reveal());
    }

    [Theory]
    [InlineData("tcp://10.0.0.1:9210")]
    [InlineData("udp://10.0.0.1:53")]
    [InlineData("tcp://[fd00::1]:9210")]
    public void The_address_of_a_Kubernetes_service_is_no_setting(string address)
    {
        configured.Environment["CLIENT_ID"] = "app";
        configured.Environment["INTERVAL"] = address;
        configured.Environment["UNUSED_PORT"] = address;

        var loaded = configured.Load();

        Assert.Empty(loaded.Problems);
        Assert.Equal(TimeSpan.FromMinutes(8), Assert.Single(loaded.Accounts).Section.Get(Configured.Interval));
        var warning = Assert.Single(loaded.Warnings);
        Assert.Equal("INTERVAL", warning.Place);
        Assert.Contains("enableServiceLinks: false", warning.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_of_a_service_implies_no_account()
    {
        configured.Environment["CLIENT_ID"] = "app";
        configured.Environment["CAR_VIN"] = "tcp://10.0.0.1:9210";

        Assert.Equal("weather", Assert.Single(configured.Load().Accounts).Source);
    }

    public void Dispose() => configured.Dispose();
}

using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Program;

public sealed class ArgumentNormalizerTests
{
    private static readonly Setting[] Declared =
    [
        Settings.Text("addr", "Where.", flag: "--addr", shortFlag: 'a'),
        Settings.Text("client_secret", "What.", flag: "--client-secret", shortFlag: 's'),
        Settings.Switch("debug", "More.", flag: "--debug"),
    ];

    [Theory]
    [InlineData("-a:9210", "--addr=:9210")]
    [InlineData("-a=:9210", "--addr=:9210")]
    [InlineData("-a :9210", "--addr=:9210")]
    [InlineData("--addr :9210", "--addr=:9210")]
    [InlineData("--addr=:9210", "--addr=:9210")]
    [InlineData("-s @text", "--client-secret=@text")]
    [InlineData("-s@text", "--client-secret=@text")]
    [InlineData("-s -a", "--client-secret=-a")]
    [InlineData("--client-secret a=b", "--client-secret=a=b")]
    [InlineData("--debug stray", "--debug=true stray")]
    [InlineData("--debug=false", "--debug=false")]
    [InlineData("check --debug", "check --debug=true")]
    [InlineData("--unknown -x", "--unknown -x")]
    [InlineData("--addr", "--addr")]
    [InlineData("-- --addr x", "-- --addr x")]
    [InlineData("keep -ttoken.json -m120", "keep -t=token.json -m=120")]
    [InlineData("keep -t=token.json -m:120 -m 120", "keep -t=token.json -m:120 -m 120")]
    [InlineData("keep -ab -xb --m120", "keep --addr=b -xb --m120")]
    public void Every_notation_of_a_flag_becomes_the_unambiguous_one(string written, string expected) =>
        Assert.Equal(expected, string.Join(' ', ArgumentNormalizer.Normalize(written.Split(' '), Declared, ["-t", "-m"])));
}

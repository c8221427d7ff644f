using System.Text;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class SecretFileTests : IDisposable
{
    private readonly Configured configured = new();

    public SecretFileTests()
    {
        configured.Environment["CLIENT_ID"] = "i";
        configured.Environment["TOKEN_FILE"] = "t";
    }

    [Theory]
    [InlineData("hush", "hush")]
    [InlineData("hush\n", "hush")]
    [InlineData("hush\r\n", "hush")]
    [InlineData("hush\n\r\n", "hush")]
    [InlineData(" hush \n", "hush")]
    [InlineData("\uFEFFhush", "hush")]
    public void White_space_at_the_ends_is_not_part_of_the_secret(string content, string secret)
    {
        configured.Flags[Configured.Password.FromFile!] = [configured.Write("secret", content)];

        Assert.Equal(secret, Assert.Single(configured.Load().Accounts).Section.Find(Configured.Password)?.Reveal());
        Assert.Empty(configured.Problems());
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    [InlineData("utf-32BE")]
    public void A_byte_order_mark_names_the_encoding(string encoding)
    {
        var path = Path.Combine(configured.DirectoryPath, "secret");
        File.WriteAllText(path, "hüsh\r\n", Encoding.GetEncoding(encoding));
        configured.Flags[Configured.Password.FromFile!] = [path];

        Assert.Equal("hüsh", Assert.Single(configured.Load().Accounts).Section.Find(Configured.Password)?.Reveal());
        Assert.Empty(configured.Problems());
    }

    [Fact]
    public void A_configuration_file_and_a_dot_env_in_UTF_16_are_read()
    {
        configured.Environment.Clear();
        var (yaml, dotEnv) = (Path.Combine(configured.DirectoryPath, "exporter.yml"), Path.Combine(configured.DirectoryPath, ".env"));
        File.WriteAllText(yaml, "accounts: {h: {source: weather, token_file: t}}\r\n", Encoding.Unicode);
        File.WriteAllText(dotEnv, "EXPORTER_ACCOUNTS__H__CLIENT_ID=i\r\n", Encoding.Unicode);
        configured.Flags[Configuration.ConfigFile] = ["exporter.yml"];

        Assert.Empty(configured.Problems());
        Assert.Equal("i", Assert.Single(configured.Load().Accounts).Section.Find(Configured.Id));
    }

    [Theory]
    [InlineData("\"hush\"\n", "the secret in secret includes its quotes (\"…\"); remove them")]
    [InlineData("hush\nhush", "secret: the value contains a line break or another control character; write only the value, in one line")]
    public void What_cannot_be_a_secret_is_named(string content, string problem)
    {
        configured.Write("secret", content);
        configured.Environment["CLIENT_SECRET_FILE"] = "secret";

        Assert.Equal(["CLIENT_SECRET_FILE: " + problem], configured.Problems());
    }

    [Theory]
    [InlineData("", "the file secret is empty; write the secret into it")]
    [InlineData("\n", "the file secret is empty; write the secret into it")]
    public void An_empty_file_is_a_problem_with_its_name(string content, string problem)
    {
        configured.Write("secret", content);
        configured.Environment["CLIENT_SECRET_FILE"] = "secret";

        Assert.Equal(["CLIENT_SECRET_FILE: " + problem], configured.Problems());
    }

    [Fact]
    public void An_unusable_file_is_a_problem_with_its_name()
    {
        configured.Write("large", new string('x', 65537));
        File.WriteAllBytes(Path.Combine(configured.DirectoryPath, "binary"), [0xff, 0xfe, 0x00]);
        Directory.CreateDirectory(Path.Combine(configured.DirectoryPath, "directory"));

        Assert.Equal("there is no file missing; create it, or correct the path", Sentence("missing"));
        Assert.Equal("there is no file large/below; create it, or correct the path", Sentence("large/below"));
        Assert.Equal("the file large has more than 64 kB; name another one", Sentence("large"));
        Assert.Equal("the file binary is not text in UTF-8; save it as such", Sentence("binary"));
        Assert.Equal("directory is a directory; name a file", Sentence("directory"));

        string Sentence(string path)
        {
            configured.Flags[Configured.Password.FromFile!] = [path];
            var problem = Assert.Single(configured.Problems());
            Assert.StartsWith("--client-secret-file: ", problem, StringComparison.Ordinal);
            return problem["--client-secret-file: ".Length..];
        }
    }

    [Fact]
    public void A_secret_and_its_file_in_one_layer_are_a_problem()
    {
        configured.Environment["CLIENT_SECRET"] = "canary";
        configured.Environment["CLIENT_SECRET_FILE"] = configured.Write("secret", "hush");

        Assert.Equal(["CLIENT_SECRET_FILE: client_secret is also set (CLIENT_SECRET); keep one of the two"], configured.Problems());
    }

    [Fact]
    public void A_secret_as_a_flag_overrides_the_file_that_a_variable_names()
    {
        configured.Environment["CLIENT_SECRET_FILE"] = "missing";
        configured.Flags[Configured.Password] = ["strong"];

        Assert.Equal("strong", Assert.Single(configured.Load().Accounts).Section.Find(Configured.Password)?.Reveal());
        Assert.Empty(configured.Problems());
    }

    [Fact]
    public void A_path_in_the_file_is_relative_to_the_file_and_one_in_a_variable_to_the_working_directory()
    {
        Directory.CreateDirectory(Path.Combine(configured.DirectoryPath, "etc"));
        configured.Write("etc/exporter.yml", "accounts: {h: {source: weather, client_id: c, client_secret_file: secret, token_file: t}}");
        configured.Write("etc/secret", "hush");
        configured.Environment.Clear();
        configured.Environment["EXPORTER_CONFIG"] = "etc/exporter.yml";

        Assert.Empty(configured.Problems());
        var section = Assert.Single(configured.Load().Accounts).Section;
        Assert.Equal(Path.Combine(configured.DirectoryPath, "etc/t"), section.Find(AccountSettings.TokenFile));
        configured.Environment["EXPORTER_ACCOUNTS__H__TOKEN_FILE"] = "t";
        Assert.Equal(Path.Combine(configured.DirectoryPath, "t"), Assert.Single(configured.Load().Accounts).Section.Find(AccountSettings.TokenFile));
    }

    public void Dispose() => configured.Dispose();
}

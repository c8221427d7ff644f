using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The file of API keys.</summary>
public sealed class ApiKeysTests
{
    private const string Hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

    [Fact]
    public void A_key_is_found_by_its_hash_as_sha256sum_prints_it()
    {
        // printf KEY | sha256sum
        const string OfKey = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";

        var (keys, problems) = ApiKeyReader.Read("keys.yml", $"keys:\n- {{name: a, sha256: {OfKey}, scopes: [tokens:read], templates: [x]}}\n");

        Assert.Empty(problems);
        var key = Assert.Single(keys!.All);
        Assert.Equal(("a", true, false), (key.Name, key.Permits("x"), key.Permits("y")));
        Assert.Same(key, keys.Find("key"));
        Assert.Null(keys.Find("key\n"));
        Assert.Null(keys.Find(OfKey));
    }

    [Theory]
    [InlineData("keys: []", null)]
    [InlineData("", null)]
    [InlineData("key: []", "keys.yml:1: key: unknown key; did you mean keys?")]
    [InlineData("keys: {a: b}", "keys.yml:1: keys: write a list of keys, each with name, sha256 and scopes")]
    [InlineData("keys: [a]", "keys.yml:1: keys[0]: write a mapping, with lines of KEY: VALUE")]
    [InlineData($"keys: [{{sha256: {Hash}, scopes: [tokens:read]}}]", "keys.yml:1: keys[0]: the key has no name; add name")]
    [InlineData($"keys: [{{name: a, sha256: {Hash}}}]", "keys.yml:1: keys[0]: the key has no scopes; add scopes")]
    [InlineData($"keys: [{{name: a, sha256: {Hash}, scopes: []}}]",
        "keys.yml:1: keys[0].scopes: a key without a scope permits nothing; use one of accounts:read, accounts:write, tokens:read")]
    [InlineData($"keys: [{{name: a, sha256: {Hash}, scopes: [token:read]}}]", "keys.yml:1: keys[0].scopes: unknown scope token:read; did you mean tokens:read?")]
    [InlineData("keys: [{name: a, sha256: my-key, scopes: [tokens:read]}]",
        "keys.yml:1: keys[0].sha256: this is not a SHA-256 hash of 64 hexadecimal digits; write the first column of: sha256sum KEYFILE")]
    public void A_mistake_is_one_line_with_the_fix(string text, string? problem)
    {
        var (keys, problems) = ApiKeyReader.Read("keys.yml", text);

        Assert.Equal(problem is null, keys is not null);
        Assert.Equal(problem is null ? [] : [problem], problems.Select(p => p.ToString()).Take(1));
    }

    [Fact]
    public void Names_and_hashes_are_unique()
    {
        var (_, problems) = ApiKeyReader.Read("keys.yml", $"""
            keys:
            - name: a
              sha256: {Hash}
              scopes: [tokens:read]
            - name: a
              sha256: {Hash.ToLowerInvariant()}
              scopes: [tokens:read]
            """);

        Assert.Equal(
            [
                "keys.yml:5: keys[1].name: \"a\": each key needs a name of its own; write the name of the program that uses the key",
                "keys.yml:6: keys[1].sha256: the key a has the same hash; make another key with openssl rand -hex 32",
            ],
            problems.Select(p => p.ToString()));
    }

    [Fact]
    public void The_problems_of_the_file_are_those_of_the_configuration()
    {
        using var directory = new TemporaryDirectory();
        var file = directory.Write("keys.yml", "keys: [{name: a}]");

        var (missing, invalid) = (Problems(directory["none.yml"]), Problems(file));

        Assert.Contains(missing, problem => problem.Contains($"there is no file {directory["none.yml"]}", StringComparison.Ordinal));
        Assert.Contains(invalid, problem => problem.StartsWith(file, StringComparison.Ordinal) && problem.Contains("add sha256", StringComparison.Ordinal));

        IEnumerable<string> Problems(string path)
        {
            var values = new Dictionary<Exporter.Accounts.Setting, IReadOnlyList<string>> { [ApiOptions.KeysFileSetting] = [path] };
            var configuration = Exporter.Accounts.Configuration.Load(
                ApiOptions.Settings, [], values, new Dictionary<string, string>(), directory.Path);
            ApiOptions.Read(configuration.Program);
            return configuration.Problems.Select(problem => problem.ToString());
        }
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>What the program prints for invalid input: the value, the reason and the fix, in its own words.</summary>
public sealed class MessageTests : IDisposable
{
    private const string Account = "--client-id a --client-secret b --token-file {dir}/token.json ";

    /// <summary>Words of the parsers and of .NET that are not for users.</summary>
    private static readonly string[] ForeignWords =
    [
        "System.", "Nullable", "Exception", "while scanning", "while parsing", "scalar", "did not find expected", "found ", "LineNumber",
        "BytePositionInLine", "Required argument", "Cannot parse", "expected type", "   at ", "Input string", "was not in a correct format",
    ];

    private readonly TemporaryDirectory directory = new();

    [Theory]
    [InlineData("login a b", "oauth-exporter login: there is one argument too many, \"b\"; write: oauth-exporter login [ACCOUNT] [OPTIONS] [SETTINGS]")]
    [InlineData("check a", "oauth-exporter check: there is one argument too many, \"a\"; write: oauth-exporter check [SETTINGS]")]
    [InlineData("statsu", "statsu: unknown command; did you mean status?")]
    [InlineData("webex nope", "nope: unknown command; choose one of data-sources")]
    [InlineData("webex data-sources lst", "lst: unknown command; did you mean list?")]
    [InlineData("webex data-sources",
        "oauth-exporter webex data-sources: missing command; choose one of: list, show, extend, register, update, schemas")]
    [InlineData("webex data-sources show",
        "oauth-exporter webex data-sources show: missing ID; write: oauth-exporter webex data-sources show ID [OPTIONS] [SETTINGS]")]
    [InlineData("webex data-sources register --url", "--url: missing value; write --url URL")]
    [InlineData("webex data-sources register --url a --url b", "--url: this option is there more than once; keep one")]
    [InlineData("keep -t", "-t: missing value; write --token-file FILE")]
    [InlineData("keep -t a -t b", "-t: this option is there more than once; keep one")]
    [InlineData("login --token=secret", "--token: this option takes no value; write only --token")]
    [InlineData("login --paste=maybe", "--paste: this option takes no value; write only --paste")]
    [InlineData("status --json=1", "--json: this option takes no value; write only --json")]
    [InlineData("check --addr", "--addr: missing value; write --addr=TEXT")]
    [InlineData("login --no-browse", "--no-browse: unknown flag; did you mean --no-browser?")]
    [InlineData("check --nonsense", "--nonsense: unknown flag; see oauth-exporter check --help")]
    [InlineData("completion", "oauth-exporter completion: missing SHELL; choose one of bash, zsh, fish")]
    [InlineData("keep --source netatmoo -t x", "[error] unknown source netatmoo; did you mean netatmo?")]
    [InlineData("keep -m 1.5", "[error] -m 1.5: write whole seconds, for example 120")]
    [InlineData("keep -t {dir}", "[error] {dir} is a directory; name the token file with --token-file")]
    [InlineData("keep -t {dir}/empty", "[error] {dir}/empty is empty; log in first: oauth-exporter login, or write a refresh token into it")]
    public async Task Invalid_arguments_are_one_sentence(string command, string expected) => Assert.Equal(expected, await FailAsync(command));

    [Theory]
    [InlineData("--addr garbage", "--addr: \"garbage\" has no port; write HOST:PORT or :PORT, for example :9210")]
    [InlineData("--addr 9210", "--addr: \"9210\" is only a number; write HOST:PORT or :PORT, for example :9210")]
    [InlineData("--addr :99999", "--addr: \":99999\" has no port from 0 to 65535 after its colon; write for example :9210")]
    [InlineData("--addr nas:http", "--addr: \"nas:http\" has no port from 0 to 65535 after its colon; write for example nas:9210")]
    [InlineData("--addr http://127.0.0.1:9210", "--addr: \"http://127.0.0.1:9210\" is a URL and not an address to listen on; write 127.0.0.1:9210")]
    [InlineData("--addr ::1", "--addr: \"::1\" has no port, or is an IPv6 address without brackets; write [::1]:9210")]
    [InlineData("--addr a_:b:80", "--addr: \"a_:b:80\" has no valid host before its port; write HOST:PORT or :PORT, for example :9210")]
    [InlineData("--external-url raspberrypi.local:9210",
        "--external-url: \"raspberrypi.local:9210\" is not a URL; write http://raspberrypi.local:9210")]
    [InlineData("--external-url http://",
        "--external-url: \"http://\" is not a URL; start it with http:// or https:// and a host, for example http://nas:9210")]
    [InlineData("--external-url ftp://me:secret@nas",
        "--external-url: \"…@nas\" is not a URL; start it with http:// or https:// and a host, for example http://nas:9210")]
    [InlineData("--web.telemetry-path metrics", "--web.telemetry-path: \"metrics\" does not begin with a slash; write /metrics")]
    [InlineData("--web.telemetry-path /auth",
        "--web.telemetry-path: \"/auth\" is a page of the exporter already; choose another path, for example /metrics")]
    [InlineData("--web.telemetry-path /{x}",
        "--web.telemetry-path: \"/{x}\" must have a name of letters, digits, and - _ . ~ / after the slash; write for example /metrics")]
    [InlineData("--web.allowed-host http://nas:9210",
        "--web.allowed-host: \"http://nas:9210\" is not a host name; write only the name, for example nas.example.org")]
    [InlineData("--web.connections-per-address x", "--web.connections-per-address: \"x\" is not a whole number; write it in digits")]
    [InlineData("--token-file {dir}",
        "--token-file: {dir} is a directory; name a file. Docker creates a directory if the file to mount does not exist")]
    [InlineData("--config {dir}", "{dir}: {dir} is a directory; name a file")]
    [InlineData("--config {dir}/binary", "{dir}/binary: the file {dir}/binary is not text in UTF-8; save it as such")]
    [InlineData("--web.config.file {dir}/empty/x", "--web.config.file: there is no file {dir}/empty/x; create it, or correct the path")]
    public async Task An_invalid_setting_is_one_sentence(string settings, string expected)
    {
        var account = settings.StartsWith("--token-file", StringComparison.Ordinal) ? "--client-id a --client-secret b " : Account;

        Assert.Equal(expected, await FailAsync($"check {account}{settings}"));
    }

    [Theory]
    [InlineData("addr: a: b", "1:8: this is not YAML: a value that contains a colon and a space needs quotes; write KEY: \"VALUE\"")]
    [InlineData("addr: \"a", "1:7: this is not YAML: the quote that starts here is never closed; write a closing quote")]
    [InlineData("addr: 'a\n", "1:7: this is not YAML: the quote that starts here is never closed; write a closing quote")]
    [InlineData("addr: @a", "1:7: this is not YAML: a value cannot start with @; put it in quotes")]
    [InlineData("addr: `a", "1:7: this is not YAML: a value cannot start with `; put it in quotes")]
    [InlineData("addr: %a", "1:7: this is not YAML: a value cannot start with %; put it in quotes")]
    [InlineData("addr: &", "1:7: this is not YAML: a value cannot start with &; put it in quotes")]
    [InlineData("addr: *", "1:7: this is not YAML: a value cannot start with *; put it in quotes")]
    [InlineData("addr: \"\\q\"", "1:7: this is not YAML: a backslash in double quotes starts an escape; write \\\\, or use single quotes")]
    [InlineData("addr: \"\\xZZ\"", "1:7: this is not YAML: a backslash in double quotes starts an escape; write \\\\, or use single quotes")]
    [InlineData("addr: \"b\" c", "1:11: this is not YAML: text follows the closing quote; put the whole value in quotes")]
    [InlineData("addr: >5x\n b\n", "1:7: this is not YAML: only a digit, + or - may follow | or >; write the text on the next lines")]
    [InlineData("addr: ]", "1:7: this is not YAML: there is no value before ]; write one, or put the text in quotes")]
    [InlineData("addr: [1, 2", "1: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("addr: {a: 1", "1: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("addr:a\ndebug: b",
        "2:6: this is not YAML: the line above has no KEY: VALUE; write a space after its colon, or put its text in quotes")]
    [InlineData("addr: a\n  debug: b", "2:8: this is not YAML: this line is indented below a line that has a value already; align the two")]
    [InlineData("accounts:\n  a:\n    b: 1\n   c: 2\n",
        "4:4: this is not YAML: this line is not aligned with the lines around it; indent it like the other keys of its level")]
    [InlineData("accounts:\n  a:\n\tb: 1\n", "3: this line is indented with a tab; indent with spaces")]
    [InlineData("addr: - a", "1:7: this is not YAML: a list starts on its own line; write each item as a line with - below the key")]
    [InlineData(": x\naddr: ':1'", "1: : there is no name before the colon; write KEY: VALUE")]
    [InlineData("%YAML 9.9\n---\na: 1\n", "1:1: this is not YAML: a line that starts with % is not supported; remove it")]
    [InlineData("addr: !e!x a", "1:7: this is not YAML: a tag (!…) is not supported here; remove it")]
    [InlineData("addr: &a &b c", "1:10: this is not YAML: a value has two anchors (&…); keep one")]
    public async Task Broken_YAML_is_one_sentence_without_its_value(string yaml, string expected)
    {
        var file = directory.Write("exporter.yml", yaml);

        var error = await FailAsync($"check {Account}--config {file}");

        Assert.Equal($"{{dir}}/exporter.yml:{expected}", error.Split('\n')[0]);
    }

    [Theory]
    [InlineData("accounts:\n  home:\n  source: netatmo\n", "this is a setting and not the name of an account; indent it further")]
    [InlineData("accounts:\n  h: {source: webx}\n", "there is no source \"webx\"; did you mean webex?")]
    public async Task A_misplaced_setting_is_explained(string yaml, string expected) =>
        Assert.Contains(expected, await FailAsync($"check --config {directory.Write("exporter.yml", yaml)}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("http_server_config: {http2: maybe}", "\"maybe\": this is neither true nor false; write true or false")]
    [InlineData("rate_limit: {burst: y}", "\"y\": this is not a whole number; write digits, for example 10")]
    [InlineData("http_server_config: {headers: {X-Frame-Options: x}}", "\"x\": the header cannot have this value; write deny or sameorigin")]
    [InlineData("tls_server_config: {cert_file: key.pem, key_file: cert.pem}",
        "the file of cert_file contains no certificate in PEM; check that cert_file and key_file are not swapped")]
    [InlineData("tls_server_config: {cert_file: cert.pem, key_file: cert.pem}",
        "the file of key_file contains no private key in PEM; check that cert_file and key_file are not swapped")]
    [InlineData("tls_server_config: {cert_file: cert.pem, key_file: encrypted.pem}",
        "the private key is encrypted; decrypt it with openssl pkey -in KEY -out NEW, and name the new file")]
    [InlineData("tls_server_config: {cert_file: cert.pem, key_file: other.pem}",
        "the certificate and the key are not a pair in PEM; name the certificate and the private key that belong together")]
    public async Task A_broken_web_configuration_is_one_sentence(string yaml, string expected)
    {
        WriteKeys();

        Assert.EndsWith(expected, await FailAsync($"check {Account}--web.config.file {directory.Write("web.yml", yaml)}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_any_configuration_the_program_shows_three_ways_to_start()
    {
        var error = await FailAsync("");

        Assert.StartsWith("netatmo: need a token file; set --token-file or NETATMO_EXPORTER_TOKEN_FILE\n", error, StringComparison.Ordinal);
        Assert.Contains("Nothing is configured yet. Configure an account in one of three ways:", error, StringComparison.Ordinal);
        Assert.Contains("\n     --client-secret-file FILE", error, StringComparison.Ordinal);
        Assert.Contains("\n   NETATMO_CLIENT_ID=TEXT\n", error, StringComparison.Ordinal);
        Assert.Contains("\n       token_file: FILE\n", error, StringComparison.Ordinal);
        Assert.Contains("README.md has an example for each source", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_input_is_not_a_prompt()
    {
        var error = await FailAsync($"login --token {Account}");

        Assert.Equal("netatmo: login failed: the standard input is empty; write the refresh token to it in one line, or run the command in a terminal", error);
    }

    [Fact]
    public async Task A_health_check_reports_its_own_settings_only() =>
        Assert.Equal("--addr: \"x\" has no port; write HOST:PORT or :PORT, for example :9210", await FailAsync("health --addr x"));

    [Fact]
    public async Task A_refused_connection_is_explained() => Assert.Equal(
        "http://127.0.0.1:1/ does not respond (the connection to 127.0.0.1:1 was refused, because no program listens there); "
        + "start the exporter, or run this command with the same settings",
        await FailAsync("health --addr 127.0.0.1:1"));

    public void Dispose() => directory.Dispose();

    /// <summary>Runs a command that fails.</summary>
    /// <returns>The standard error.</returns>
    private async Task<string> FailAsync(string command)
    {
        directory.Write("empty", "");
        await File.WriteAllBytesAsync(directory["binary"], [0xff, 0xfe, 0xfd, 0x00, 0x9f], TestContext.Current.CancellationToken);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(TextReader.Null, output, error, IsInteractive: false, _ => false);
        var program = new CommandLine(Composition.Sources, new Dictionary<string, string>(), terminal, TimeProvider.System);
        program.AddCommands();
        var root = directory[""].TrimEnd('/');
        var words = command.Replace("{dir}", root, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);

        var code = await program.RunAsync(words, TestContext.Current.CancellationToken);

        var text = error.ToString();
        Assert.Equal((1, ""), (code, output.ToString()));
        Assert.All(ForeignWords, word => Assert.DoesNotContain(word, text, StringComparison.Ordinal));
        Assert.DoesNotContain("secret@", text, StringComparison.Ordinal);
        return text.Replace(root, "{dir}", StringComparison.Ordinal).TrimEnd('\n');
    }

    private void WriteKeys()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(
            "CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        directory.Write("cert.pem", certificate.ExportCertificatePem());
        directory.Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        directory.Write("other.pem", other.ExportPkcs8PrivateKeyPem());
        directory.Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("x", new(
            PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
    }
}

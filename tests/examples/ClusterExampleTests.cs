using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>
/// The compose file, the manifests and the alert rules of <c>examples/cluster</c>. The tests need neither a container engine nor a cluster: they use
/// the schemas, promtool, and the real program in the layout of its container.
/// </summary>
[Trait("Suite", "slow")]
public sealed partial class ClusterExampleTests : IDisposable
{
    private const string ConfigurationVariable = "EXPORTER_CONFIG";

    private static readonly string DirectoryPath = Path.Combine(ShippedFiles.Examples, "cluster");

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_compose_file_conforms_and_mounts_files_that_exist_or_that_the_README_creates()
    {
        var compose = await ComposeAsync();
        var readme = Read("README.md");

        var mounts = compose.GetProperty("services").EnumerateObject()
            .SelectMany(service => service.Value.TryGetProperty("volumes", out var volumes) ? volumes.EnumerateArray().ToList() : [])
            .Select(volume => volume.GetString()!.Split(':')[0]).Where(path => path.StartsWith('.'));
        Assert.All(mounts, path => Assert.True(File.Exists(Path.Combine(DirectoryPath, path)), path));
        var secrets = compose.GetProperty("secrets").EnumerateObject().Select(secret => secret.Value.GetProperty("file").GetString()!);
        Assert.All(secrets, path => Assert.Contains($"> {Path.GetFileName(path)}\n", readme, StringComparison.Ordinal));
        Assert.All(secrets, path => Assert.Contains($"--from-file={path}", readme, StringComparison.Ordinal));
        Assert.Equal($"${{EXPORTER_IMAGE:-oauth-exporter-cluster:{ShippedFiles.Version}}}",
            compose.GetProperty("services").GetProperty("exporter-1").GetProperty("image").GetString());
    }

    [Fact]
    public async Task A_compose_file_with_a_mistake_does_not_conform()
    {
        var file = directory.Write("compose.yml", Read("compose.yml").Replace("stop_grace_period", "stop_grace", StringComparison.Ordinal));

        Assert.Equal(1, (await new YamlChecker("compose").RunAsync(["--compose", file], Cancellation)).ExitCode);
    }

    [Fact]
    public async Task The_proxy_and_Prometheus_have_an_address_of_every_replica()
    {
        var replicas = (await ComposeAsync()).GetProperty("services").EnumerateObject().Select(service => service.Name)
            .Where(name => name.StartsWith("exporter", StringComparison.Ordinal)).Select(name => $"{name}:{ShippedFiles.Port}").ToList();
        var (_, files, _) = await new YamlChecker("compose").RunAsync([Path.Combine(DirectoryPath, "prometheus.yml")], Cancellation);

        Assert.Equal(3, replicas.Count);
        var upstreams = Upstream().Matches(Read("nginx.conf")).Select(match => match.Groups["body"].Value).ToList();
        Assert.Equal(2, upstreams.Count);
        Assert.All(upstreams, body => Assert.Equal(replicas, Server().Matches(body).Select(match => match.Groups[1].Value)));
        Assert.Equal(replicas, files[0].GetProperty("scrape_configs")[0].GetProperty("static_configs")[0].GetProperty("targets").EnumerateArray()
            .Select(target => target.GetString()!));
    }

    [Fact]
    public async Task The_replica_accepts_its_configuration_in_the_layout_of_both_containers()
    {
        var replica = (await ComposeAsync()).GetProperty("services").GetProperty("exporter-1");
        var mounted = replica.GetProperty("secrets").EnumerateArray().Select(secret => secret.GetProperty("target").GetString()!).ToList();
        var volume = replica.GetProperty("volumes")[0].GetString()!.Split(':')[1];

        Assert.Equal(volume, replica.GetProperty("environment").GetProperty(ConfigurationVariable).GetString());
        Assert.All(mounted, path => Assert.Equal(Path.GetDirectoryName(volume), Path.GetDirectoryName(path)));
        var container = Container((await ManifestsAsync()).Single(one => Kind(one) == "Deployment"));
        Assert.Equal(volume, container.GetProperty("env").EnumerateArray().Single().GetProperty("value").GetString());
        Assert.Equal(Path.GetDirectoryName(volume), container.GetProperty("volumeMounts").EnumerateArray().Single().GetProperty("mountPath").GetString());

        var file = directory.Write("exporter.yml", Read("exporter.yml"));
        foreach (var path in mounted)
        {
            directory.Write(Path.GetFileName(path), Path.GetFileName(path) switch
            {
                "store.key" => $"2026 {Convert.ToBase64String(new byte[32])}\n",
                "api-keys.yml" => $"keys:\n  - name: admin\n    sha256: {new string('0', 64)}\n    scopes: [accounts:read, accounts:write]\n",
                _ => "s\n",
            });
        }
        await using var check = Peer.Start(Path.Combine(AppContext.BaseDirectory, "oauth-exporter-cluster"), "check", "--config", file);

        Assert.True(await check.Ends(Cancellation) == 0, check.Output);
        Assert.Contains("The configuration is valid: store postgres/exporter, templates fleet (oauth2).", check.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_manifests_conform_to_their_schemas_and_select_the_pods()
    {
        var manifests = await ManifestsAsync();

        Assert.Equal(["Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"], manifests.Select(Kind).Order(StringComparer.Ordinal));
        var deployment = manifests.Single(one => Kind(one) == "Deployment").GetProperty("spec");
        var labels = deployment.GetProperty("template").GetProperty("metadata").GetProperty("labels").GetRawText();
        Assert.All(manifests.Where(one => Kind(one) is "Deployment" or "PodDisruptionBudget"), one =>
            Assert.Equal(labels, one.GetProperty("spec").GetProperty("selector").GetProperty("matchLabels").GetRawText()));
        Assert.Equal(labels, manifests.Single(one => Kind(one) == "Service").GetProperty("spec").GetProperty("selector").GetRawText());
        Assert.Equal(labels, manifests.Single(one => Kind(one) == "NetworkPolicy").GetProperty("spec").GetProperty("podSelector")
            .GetProperty("matchLabels").GetRawText());
        Assert.All(deployment.GetProperty("template").GetProperty("spec").GetProperty("topologySpreadConstraints").EnumerateArray(), one =>
            Assert.Equal(labels, one.GetProperty("labelSelector").GetProperty("matchLabels").GetRawText()));
    }

    [Fact]
    public async Task The_pods_have_the_image_the_port_and_the_user_of_this_version_and_time_to_save()
    {
        var deployment = (await ManifestsAsync()).Single(one => Kind(one) == "Deployment");
        var pod = deployment.GetProperty("spec").GetProperty("template").GetProperty("spec");
        var container = Container(deployment);

        Assert.Equal(3, deployment.GetProperty("spec").GetProperty("replicas").GetInt32());
        Assert.Equal($"oauth-exporter-cluster:{ShippedFiles.Version}", container.GetProperty("image").GetString());
        Assert.Equal(ShippedFiles.Port, container.GetProperty("ports").EnumerateArray().Single().GetProperty("containerPort").GetInt32());
        var user = pod.GetProperty("securityContext");
        Assert.Equal(ShippedFiles.User, $"{user.GetProperty("runAsUser")}:{user.GetProperty("runAsGroup")}");
        Assert.Equal(30, pod.GetProperty("terminationGracePeriodSeconds").GetInt32());
        Assert.Equal("/-/healthy", container.GetProperty("livenessProbe").GetProperty("httpGet").GetProperty("path").GetString());
        Assert.Equal("/-/ready", container.GetProperty("readinessProbe").GetProperty("httpGet").GetProperty("path").GetString());
    }

    [Fact]
    public async Task Prometheus_accepts_its_configuration_and_the_rules_pass_their_tests()
    {
        directory.Write("prometheus.yml", Read("prometheus.yml"));
        directory.Write("cluster-rules.yml", Read("cluster-rules.yml"));
        directory.Write("cluster-rules.test.yml", Read("cluster-rules.test.yml"));
        directory.Write("exporter-rules.yml", File.ReadAllText(Path.Combine(ShippedFiles.Examples, "prometheus/exporter-rules.yml")));

        foreach (var (verb, kind, file) in new[] { ("check", "config", "prometheus.yml"), ("test", "rules", "cluster-rules.test.yml") })
        {
            var (exit, output, error) = await Peer.Run("promtool", [verb, kind, directory[file]], default, Cancellation);
            Assert.True(exit == 0, Encoding.UTF8.GetString(output) + error);
        }
    }

    [Fact]
    public void Every_rule_has_a_runbook_a_test_that_it_fires_and_a_test_that_it_stays_silent()
    {
        var alerts = Alert().Matches(Read("cluster-rules.yml")).Select(match => (Name: match.Groups[1].Value, Text: match.Value)).ToList();
        var tests = Read("cluster-rules.test.yml");
        var runbooks = File.ReadAllText(Path.Combine(Slices.Repository, "docs/cluster.md"));

        Assert.Equal(alerts.Select(alert => alert.Name), Runbook().Matches(runbooks).Select(match => match.Groups[1].Value));
        Assert.All(alerts, alert =>
        {
            Assert.Contains($"runbook_url: docs/cluster.md#{alert.Name.ToLowerInvariant()}\n", alert.Text, StringComparison.Ordinal);
            Assert.Contains($"alertname: {alert.Name}\n        exp_alerts:\n          - exp_labels", tests, StringComparison.Ordinal);
            Assert.Contains($"alertname: {alert.Name}, exp_alerts: []", tests, StringComparison.Ordinal);
        });
    }

    public void Dispose() => directory.Dispose();

    private static string Read(string file) => File.ReadAllText(Path.Combine(DirectoryPath, file));

    private static string Kind(JsonElement one) => one.GetProperty("kind").GetString()!;

    private static JsonElement Container(JsonElement deployment) => deployment.GetProperty("spec").GetProperty("template").GetProperty("spec")
        .GetProperty("containers").EnumerateArray().Single();

    private static async Task<JsonElement> ComposeAsync()
    {
        var (exit, files, error) = await new YamlChecker("compose").RunAsync(["--compose", Path.Combine(DirectoryPath, "compose.yml")], Cancellation);
        Assert.True(exit == 0, error);
        return files[0];
    }

    private static async Task<IReadOnlyList<JsonElement>> ManifestsAsync()
    {
        var (exit, objects, error) = await new YamlChecker("kubernetes").RunAsync([Path.Combine(DirectoryPath, "kubernetes.yml")], Cancellation);
        Assert.True(exit == 0, error);
        return [.. objects.EnumerateArray()];
    }

    [GeneratedRegex(@"upstream \w+ \{(?<body>[^}]*)\}")]
    private static partial Regex Upstream();

    [GeneratedRegex(@"server (\S+) resolve max_fails=0;")]
    private static partial Regex Server();

    [GeneratedRegex(@"- alert: (\w+)\n(.+\n)+")]
    private static partial Regex Alert();

    [GeneratedRegex(@"^### (Exporter\w+)$", RegexOptions.Multiline)]
    private static partial Regex Runbook();
}

using System.Text;
using System.Text.Json;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>
/// The shipped Kubernetes manifests, as kubectl renders them. The tests need no cluster: they use the schemas of Kubernetes and of the Prometheus
/// Operator. <c>tests/install/kubernetes.sh</c> runs the published program in the layout of the pod.
/// </summary>
[Trait("Suite", "slow")]
public sealed class KubernetesTests : IDisposable
{
    private const string Own = "kubernetes";
    private const string Monitoring = "kubernetes/monitoring";
    private const string Dashboards = "grafana";

    private static readonly YamlChecker Checker = new("kubernetes");

    /// <summary>The objects by their directory. The compiler of the types takes seconds for each run.</summary>
    private static readonly Dictionary<string, IReadOnlyList<JsonElement>> Checked = [];

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Own, "NetworkPolicy", "Secret", "Service", "StatefulSet")]
    [InlineData(Monitoring, "PrometheusRule", "ServiceMonitor")]
    [InlineData(Dashboards, "ConfigMap")]
    public async Task The_manifests_conform_to_the_schemas_of_their_kinds(string manifests, params string[] kinds)
    {
        var objects = await ObjectsAsync(manifests);

        Assert.Equal(kinds, objects.Select(o => o.GetProperty("kind").GetString()!).Distinct().Order(StringComparer.Ordinal));
        Assert.All(objects, o => Assert.StartsWith("oauth-exporter", Name(o), StringComparison.Ordinal));
        Assert.DoesNotContain(objects, o => o.GetProperty("metadata").TryGetProperty("namespace", out _));
    }

    [Fact]
    public async Task A_manifest_with_a_mistake_does_not_conform()
    {
        (string Manifests, string Right, string Wrong)[] mistakes =
        [
            (Own, "replicas: 1", "replicas: \"1\""),
            (Own, "runAsNonRoot:", "runAsNotRoot:"),
            (Own, "port: http", "port: [http]"),
            (Own, "accessModes:", "accessMode:"),
            (Own, "storage: 1Gi", "storage: 1 GB"),
            (Own, "kind: Service", "kind: Servic"),
            (Own, "apiVersion: apps/v1", "apiVersion: apps/v3"),
            (Own, "namespaceSelector:", "namespaceSelektor:"),
            (Monitoring, "port: http", "port: 9210"),
            (Monitoring, "relabelings:", "relabellings:"),
            (Monitoring, "annotations:", "annotation:"),
        ];
        var files = new List<string>();
        foreach (var (manifests, right, wrong) in mistakes)
        {
            var rendered = await RenderAsync(manifests);
            Assert.Contains(right, rendered, StringComparison.Ordinal);
            files.Add(directory.Write($"mistake-{files.Count}.yml", rendered.Replace(right, wrong, StringComparison.Ordinal)));
        }

        var (exit, _, error) = await Checker.RunAsync(files, Cancellation);

        Assert.Equal(1, exit);
        Assert.All(files, file => Assert.Contains($"{file}: ", error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_pod_has_the_port_the_user_and_the_image_of_this_version()
    {
        var (pod, container) = await PodAsync();

        Assert.Equal($"oauth-exporter:{ShippedFiles.Version}", container.GetProperty("image").GetString());
        var port = container.GetProperty("ports").EnumerateArray().Single();
        Assert.Equal(ShippedFiles.Port, port.GetProperty("containerPort").GetInt32());
        var user = pod.GetProperty("securityContext");
        Assert.Equal(ShippedFiles.User, $"{user.GetProperty("runAsUser")}:{user.GetProperty("runAsGroup")}");
    }

    [Fact]
    public async Task There_is_one_pod_and_its_volume_is_the_state_directory()
    {
        var set = await SingleAsync(Own, "StatefulSet");
        var (_, container) = await PodAsync();

        Assert.Equal(1, set.GetProperty("spec").GetProperty("replicas").GetInt32());
        var claim = set.GetProperty("spec").GetProperty("volumeClaimTemplates").EnumerateArray().Single();
        Assert.Equal(ShippedFiles.StateDirectory, MountPath(container, Name(claim)));
    }

    [Fact]
    public async Task The_secret_is_mounted_so_that_the_group_of_the_exporter_can_read_it()
    {
        var (pod, container) = await PodAsync();
        var secret = await SingleAsync(Own, "Secret");

        var volume = pod.GetProperty("volumes").EnumerateArray().Single();
        Assert.Equal(Name(secret), volume.GetProperty("secret").GetProperty("secretName").GetString());
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.GroupRead, (UnixFileMode)volume.GetProperty("secret").GetProperty("defaultMode").GetInt32());
        Assert.Equal(pod.GetProperty("securityContext").GetProperty("runAsGroup").GetInt32(),
            pod.GetProperty("securityContext").GetProperty("fsGroup").GetInt32());
        var configuration = container.GetProperty("env").EnumerateArray().Single();
        Assert.Equal("EXPORTER_CONFIG", configuration.GetProperty("name").GetString());
        var path = configuration.GetProperty("value").GetString()!;
        Assert.Equal(MountPath(container, volume.GetProperty("name").GetString()!), Path.GetDirectoryName(path));
        Assert.True(secret.GetProperty("data").TryGetProperty(Path.GetFileName(path), out _));
    }

    [Fact]
    public async Task The_exporter_accepts_the_example_configuration_with_an_account_of_every_source()
    {
        var (_, container) = await PodAsync();
        var environment = container.GetProperty("env").EnumerateArray().ToDictionary(
            variable => variable.GetProperty("name").GetString()!, variable => variable.GetProperty("value").GetString()!);
        var data = (await SingleAsync(Own, "Secret")).GetProperty("data").GetProperty("exporter.yml").GetBytesFromBase64();

        await ShippedFiles.CheckWithAllAccountsAsync(
            directory, environment["EXPORTER_CONFIG"], Encoding.UTF8.GetString(data), environment, Cancellation);
    }

    [Fact]
    public async Task Everything_selects_the_pod_and_its_port()
    {
        var template = (await SingleAsync(Own, "StatefulSet")).GetProperty("spec").GetProperty("template");
        var pod = template.GetProperty("metadata").GetProperty("labels");
        var port = (await PodAsync()).Container.GetProperty("ports").EnumerateArray().Single().GetProperty("name").GetString();
        var service = await SingleAsync(Own, "Service");
        var servicePort = service.GetProperty("spec").GetProperty("ports").EnumerateArray().Single();
        var policy = (await SingleAsync(Own, "NetworkPolicy")).GetProperty("spec");
        var monitor = (await SingleAsync(Monitoring, "ServiceMonitor")).GetProperty("spec");
        var endpoint = monitor.GetProperty("endpoints").EnumerateArray().Single();

        Assert.Equal(Labels(pod), Labels(service.GetProperty("spec").GetProperty("selector")));
        Assert.Equal(Labels(pod), Labels(policy.GetProperty("podSelector").GetProperty("matchLabels")));
        Assert.Equal(Labels(service.GetProperty("metadata").GetProperty("labels")), Labels(monitor.GetProperty("selector").GetProperty("matchLabels")));
        Assert.Equal(port, servicePort.GetProperty("targetPort").GetString());
        Assert.Equal(port, policy.GetProperty("ingress")[0].GetProperty("ports")[0].GetProperty("port").GetString());
        Assert.Equal(servicePort.GetProperty("name").GetString(), endpoint.GetProperty("port").GetString());
    }

    [Fact]
    public async Task Prometheus_scrapes_with_the_job_and_the_interval_of_the_other_examples()
    {
        var endpoint = (await SingleAsync(Monitoring, "ServiceMonitor")).GetProperty("spec").GetProperty("endpoints").EnumerateArray().Single();
        var (_, files, _) = await new YamlChecker("compose").RunAsync([Path.Combine(ShippedFiles.Examples, "prometheus/prometheus.yml")], Cancellation);

        var relabeling = endpoint.GetProperty("relabelings").EnumerateArray().Single();
        Assert.Equal(files[0].GetProperty("global").GetProperty("scrape_interval").GetString(), endpoint.GetProperty("interval").GetString());
        Assert.Equal("job", relabeling.GetProperty("targetLabel").GetString());
        Assert.Equal(
            files[0].GetProperty("scrape_configs")[0].GetProperty("job_name").GetString(), relabeling.GetProperty("replacement").GetString());
    }

    [Fact]
    public async Task The_rules_of_the_operator_pass_the_tests_of_the_rules()
    {
        var rule = await SingleAsync(Monitoring, "PrometheusRule");
        directory.Write("exporter-rules.yml", rule.GetProperty("spec").GetRawText());
        var tests = directory.Write(
            "exporter-rules.test.yml", File.ReadAllText(Path.Combine(ShippedFiles.Examples, "prometheus/exporter-rules.test.yml")));

        foreach (var arguments in new[] { new[] { "check", "rules", directory["exporter-rules.yml"] }, ["test", "rules", tests] })
        {
            var (exit, output, error) = await Peer.Run("promtool", arguments, default, Cancellation);
            Assert.True(exit == 0, Encoding.UTF8.GetString(output) + error);
        }
    }

    [Fact]
    public async Task Each_dashboard_is_a_ConfigMap_that_kubectl_can_apply_and_the_sidecar_of_Grafana_finds()
    {
        // kubectl apply stores the whole object in an annotation, and Kubernetes limits the annotations of an object.
        const int limit = 256 * 1024;
        var maps = await ObjectsAsync(Dashboards);

        Assert.Equal(Dashboard.Names, maps.Select(map => Name(map)["oauth-exporter-dashboard-".Length..]).Order(StringComparer.Ordinal));
        Assert.All(maps, map =>
        {
            Assert.Equal("1", map.GetProperty("metadata").GetProperty("labels").GetProperty("grafana_dashboard").GetString());
            Assert.InRange(Encoding.UTF8.GetByteCount(map.GetRawText()), 1, limit);
            var file = map.GetProperty("data").EnumerateObject().Single();
            Assert.Equal(File.ReadAllText(Path.Combine(Dashboard.DirectoryPath, file.Name)), file.Value.GetString());
        });
    }

    public void Dispose() => directory.Dispose();

    private static async Task<string> RenderAsync(string manifests)
    {
        var (exit, output, error) = await Peer.Run("kubectl", ["kustomize", Path.Combine(ShippedFiles.Examples, manifests)], default, Cancellation);
        Assert.True(exit == 0, error);
        return Encoding.UTF8.GetString(output);
    }

    private async Task<IReadOnlyList<JsonElement>> ObjectsAsync(string manifests)
    {
        if (!Checked.TryGetValue(manifests, out var objects))
        {
            var (exit, list, error) = await Checker.RunAsync([directory.Write("rendered.yml", await RenderAsync(manifests))], Cancellation);
            Assert.True(exit == 0, error);
            Checked[manifests] = objects = [.. list.EnumerateArray()];
        }
        return objects;
    }

    private async Task<JsonElement> SingleAsync(string manifests, string kind) =>
        (await ObjectsAsync(manifests)).Single(o => o.GetProperty("kind").GetString() == kind);

    private async Task<(JsonElement Pod, JsonElement Container)> PodAsync()
    {
        var pod = (await SingleAsync(Own, "StatefulSet")).GetProperty("spec").GetProperty("template").GetProperty("spec");
        return (pod, pod.GetProperty("containers").EnumerateArray().Single());
    }

    private static string Name(JsonElement o) => o.GetProperty("metadata").GetProperty("name").GetString()!;

    private static string? MountPath(JsonElement container, string volume) => container.GetProperty("volumeMounts").EnumerateArray()
        .Single(mount => mount.GetProperty("name").GetString() == volume).GetProperty("mountPath").GetString();

    private static IReadOnlyList<string> Labels(JsonElement map) => [.. map.EnumerateObject().Select(label => $"{label.Name}={label.Value}")];
}

using System.Globalization;

namespace Exporter.Http;

/// <summary>Creates a module from its file. It reports every mistake; the result is null if there are any.</summary>
internal sealed class ModuleParser(YamlValue.Map top, ModuleText text, ModuleFile file)
{
    private const int LargestResponse = 16;
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);

    public Module? Parse()
    {
        var api = Api();
        var headers = text.Templates(top.Entries("headers"), names: null);
        var errors = ErrorTable.Read(top.Entries("errors"), text);
        var interval = text.Duration(top.Find("interval"), ShortestInterval) ?? TimeSpan.FromMinutes(10);
        var requests = new RequestParser(text, interval).Parse(top.Entries("requests"));
        var series = new SeriesParser(text, file.Name, requests).Parse(top.Items("series"));
        if (requests.Count == 0 && top.Find("requests") is { } none)
        {
            text.Problems.Add(none, "a module needs at least one request; write NAME: with get: below it");
        }
        CheckAuth();
        var module = new Module(
            file.Name, top.Text("about") ?? "", top.Text("verified") is not ("false" or "no"), api, Hosts(), file.Auth, OAuth(), headers, Budget(),
            Size(), errors, requests, series)
        {
            BudgetOwner = top.Text("budget_of") == "client" ? BudgetOwner.Client : BudgetOwner.Account,
            Secrets = text.Secrets,
            Fingerprint = text.Fingerprint(file.Text),
        };
        if (text.Problems.All.Count > 0)
        {
            return null;
        }
        Warn(module);
        return module;
    }

    private Uri Api()
    {
        var unknown = new Uri("https://api.invalid");
        if (text.Text(top.Find("api")) is not { Length: > 0 } address)
        {
            return unknown;
        }
        if (Uri.TryCreate(address, UriKind.Absolute, out var api) && api.Scheme is "http" or "https" && api.Query.Length == 0
            && api.UserInfo.Length == 0)
        {
            return api;
        }
        text.Problems.Add(top.Find("api")!, "this is not the address of an API; write https:// and a host, without a user or a query");
        return unknown;
    }

    /// <summary>Host names, or addresses whose host counts.</summary>
    private List<string> Hosts()
    {
        var hosts = new List<string>();
        foreach (var item in top.Items("hosts"))
        {
            if (text.Text(item) is { } host)
            {
                var name = Uri.TryCreate(host, UriKind.Absolute, out var address) && address.Host.Length > 0 ? address.Host : host;
                hosts.Add(name);
                if (Uri.CheckHostName(name) == UriHostNameType.Unknown)
                {
                    text.Problems.Add(item, "this is not the name of a host; write for example files.example.org");
                }
            }
        }
        return hosts;
    }

    /// <summary>The members of <c>oauth:</c>, with the settings in their texts.</summary>
    private IReadOnlyList<YamlEntry> OAuth()
    {
        return [.. top.Entries("oauth").Select(entry => entry with { Value = Filled(entry.Value) })];

        YamlValue Filled(YamlValue value) => value switch
        {
            YamlValue.Scalar { Text: not null } scalar => scalar with { Text = text.Text(scalar, mayBeSecret: true) ?? "" },
            YamlValue.List list => list with { Items = [.. list.Items.Select(Filled)] },
            YamlValue.Map map => map with { Entries = [.. map.Entries.Select(entry => entry with { Value = Filled(entry.Value) })] },
            _ => value,
        };
    }

    private List<BudgetWindow> Budget()
    {
        var windows = new List<BudgetWindow>();
        foreach (var item in top.Items("budget"))
        {
            if (text.Text(item) is not { } written)
            {
                continue;
            }
            string[] parts = written.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts is [var number, "per", var time] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count > 0 && GoDuration.Parse(time) is { Failure: null, Value: var window } && window >= ShortestInterval)
            {
                windows.Add(new BudgetWindow(count, window));
            }
            else
            {
                text.Problems.Add(item, "this is not a budget; write for example 100 per 24h");
            }
        }
        return windows;
    }

    private int Size()
    {
        const int mebi = 1 << 20;
        if (text.Text(top.Find("max_response")) is not { } size)
        {
            return 2 * mebi;
        }
        if (size.EndsWith("MiB", StringComparison.Ordinal) && int.TryParse(size[..^3].Trim(), out var number) && number
            is >= 1 and <= LargestResponse)
        {
            return number * mebi;
        }
        text.Problems.Add(top.Find("max_response")!, $"this is not a size; write 1MiB to {LargestResponse}MiB");
        return mebi;
    }

    private void CheckAuth()
    {
        if (file.Auth == ModuleAuth.ApiKey && !text.UsesSecret)
        {
            text.Problems.Add(top.Find("auth")!, "an API key is a setting with secret: true in headers: or query:; add it there as ${name}");
        }
        if (file.Auth == ModuleAuth.OAuth2 && top.Find("oauth") is null)
        {
            text.Problems.Add(top.Find("auth")!, "the module does not say where to log in; add oauth: with the settings of the source oauth2");
        }
        if (file.Auth != ModuleAuth.OAuth2 && top.FindEntry("oauth") is { } oauth)
        {
            text.Problems.Add(oauth, "the API needs no login according to auth:; remove one of the two");
        }
    }

    private void Warn(Module module)
    {
        if (!module.IsVerified)
        {
            text.Problems.Warn($"the module {module.Name} follows the provider's documentation and was not compared with the real API; "
                + "please report whether it works");
        }
        foreach (var (most, window) in module.Budget)
        {
            var calls = module.WorstCase(window);
            if (calls.Sum(call => call.Count) is var sum && sum > most)
            {
                var details = string.Join(
                    ", ", calls.Select(call => string.Create(CultureInfo.InvariantCulture, $"{call.Request.Name} {call.Count:0}")));
                var worst = string.Create(CultureInfo.InvariantCulture, $"{sum:0} per {GoDuration.Text(window)} ({details})");
                text.Problems.Warn(top.FindEntry("budget")!,
                    $"the requests may be up to {worst}, more than the budget of {most}; then readings are late. "
                    + "Make interval: longer or at_most: smaller");
            }
        }
    }
}

using System.Globalization;

namespace Exporter.Sandbox;

/// <summary>The header that tells a client how long to wait after too many requests.</summary>
public enum WaitHeader
{
    /// <summary>RFC 9110 section 10.2.3, in seconds.</summary>
    RetryAfter,

    /// <summary><c>RateLimit: limit=60, remaining=0; t=SECONDS</c>, as at some providers.</summary>
    RateLimit,
}

public sealed record HttpProviderOptions : ProviderOptions
{
    /// <summary>An hour, 30 days and five minutes.</summary>
    public TokenLifetimes Lifetimes { get; init; } =
        new(Access: TimeSpan.FromHours(1), Refresh: TimeSpan.FromDays(30), Code: TimeSpan.FromMinutes(5));

    /// <summary>The minimum interval between two polls of a device.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Compared exactly. A login with another URI returns to the first.</summary>
    public IReadOnlyList<string> RedirectUris { get; init; } = ["http://127.0.0.1:9210/auth/callback", "http://localhost:9210/auth/callback"];

    /// <summary>The limits of Depot's API for each user, client and key. An empty list means no limit.</summary>
    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(60, TimeSpan.FromMinutes(1))];

    public WaitHeader LimitHeader { get; init; }

    /// <summary>Saved answers of other APIs. Each recipe is served below its name.</summary>
    public IReadOnlyList<HttpRecipe> Recipes { get; init; } = [];

    public override IReadOnlyList<ProviderFlag> Flags =>
    [
        new(
            "--http-recipes", "DIR", "Directory of saved answers. The sandbox serves those of DIR/NAME/api.json at /NAME.", [],
            values => this with { Recipes = HttpRecipe.ReadAll(values[^1]) }),
        new("--http-limit", "NUMBER", "Requests to Depot's API per minute; 0 means no limit.", ["60"],
            values => this with { Limits = LimitOf(values[^1]) }),
        new(
            "--http-limit-header", "retry-after|ratelimit", "Header of Depot's API that has the time to wait after too many requests.",
            ["retry-after"],
            values => this with { LimitHeader = HeaderOf(values[^1]) }),
    ];

    public override ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this with { Lifetimes = Lifetimes with { Access = lifetime } };

    internal override IProvider Open(SandboxContext sandbox) => new HttpProvider(this, sandbox);

    private static UsageWindow[] LimitOf(string text) =>
        !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var requests)
            ? throw new InvalidDataException($"{text}: write a number of requests, such as 60, or 0.")
            : requests == 0 ? [] : [new UsageWindow(requests, TimeSpan.FromMinutes(1))];

    private static WaitHeader HeaderOf(string text) => text switch
    {
        "retry-after" => WaitHeader.RetryAfter,
        "ratelimit" => WaitHeader.RateLimit,
        _ => throw new InvalidDataException($"{text}: write retry-after or ratelimit."),
    };
}

/// <summary>Any JSON API in a sandbox.</summary>
public static class HttpSandbox
{
    extension(SandboxServer sandbox)
    {
        public HttpProvider Http => sandbox.Get<HttpProvider>();
    }
}

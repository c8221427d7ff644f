using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>The name and version that each request contains: firewalls reject requests without one.</summary>
public static class UserAgent
{
    public static ProductInfoHeaderValue Product { get; } =
        new("oauth-exporter", typeof(UserAgent).Assembly.GetName().Version?.ToString(3) ?? "0");
}

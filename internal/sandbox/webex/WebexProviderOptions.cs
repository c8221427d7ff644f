using System.Text;

namespace Exporter.Sandbox;

public sealed record WebexProviderOptions : ProviderOptions
{
    public string AppId { get; init; } = "Y2lzY29zcGFyazovL3VzL0FQUExJQ0FUSU9OL0MwZmZlZTAwYzBmZmVlMDBjMGZmZWUwMGMwZmZlZTAw";

    /// <summary>The organization's number, as a signed token has it.</summary>
    public Guid Org { get; init; } = new("1eb65fdf-9643-417f-9974-ad72cae0e10f");

    /// <summary>The same as the API has it.</summary>
    public string OrgId => Convert.ToBase64String(Encoding.UTF8.GetBytes($"ciscospark://us/ORGANIZATION/{Org}")).TrimEnd('=');

    public string ClientId { get; init; } = "C5e0f1d6a7b4c3829160f5e4d3c2b1a09887766554433221100ffeeddccbbaa99";

    public string ClientSecret { get; init; } = "sandbox-webex-service-app-secret";

    public string IntegrationClientId { get; init; } = "Ca1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff00";

    public string IntegrationClientSecret { get; init; } = "sandbox-webex-integration-secret";

    /// <summary>Of the integration; compared exactly. The first is where a login goes back to that asked for another one.</summary>
    public IReadOnlyList<string> RedirectUris { get; init; } =
        ["http://localhost:3000/callback", "http://127.0.0.1:9210/auth/callback", "http://localhost:9210/auth/callback"];

    /// <summary>What a service app's token opens.</summary>
    public IReadOnlyList<string> ServiceAppScopes { get; init; } = [WebexProvider.ReadScope, WebexProvider.WriteScope];

    /// <summary>14 and 90 days, as Webex's answers say.</summary>
    public TokenLifetimes ServiceAppLifetimes { get; init; } = new(Access: TimeSpan.FromDays(14), Refresh: TimeSpan.FromDays(90), Code: TimeSpan.FromMinutes(1));

    public TokenLifetimes IntegrationLifetimes { get; init; } = new(Access: TimeSpan.FromDays(14), Refresh: TimeSpan.FromDays(90), Code: TimeSpan.FromMinutes(5));

    /// <summary>The token that a person copies from the developer portal: 12 hours, and nothing renews it.</summary>
    public TimeSpan PersonalLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Webex publishes no numbers; none where the list is empty.</summary>
    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(300, TimeSpan.FromMinutes(1))];

    public override ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this with { ServiceAppLifetimes = ServiceAppLifetimes with { Access = lifetime } };

    internal override IProvider Open(Surroundings surroundings) => new WebexProvider(this, surroundings);
}

/// <summary>Webex in a sandbox.</summary>
public static class WebexSandbox
{
    extension(SandboxServer sandbox)
    {
        public WebexProvider Webex => sandbox.Get<WebexProvider>();
    }
}

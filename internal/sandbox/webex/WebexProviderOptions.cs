using System.Text;

namespace Exporter.Sandbox;

public sealed record WebexProviderOptions : ProviderOptions
{
    public string AppId { get; init; } = "Y2lzY29zcGFyazovL3VzL0FQUExJQ0FUSU9OL0MwZmZlZTAwYzBmZmVlMDBjMGZmZWUwMGMwZmZlZTAw";

    /// <summary>The organization's UUID, as in a signed token.</summary>
    public Guid Org { get; init; } = new("1eb65fdf-9643-417f-9974-ad72cae0e10f");

    /// <summary>The organization's ID, as in the API.</summary>
    public string OrgId => Convert.ToBase64String(Encoding.UTF8.GetBytes($"ciscospark://us/ORGANIZATION/{Org}")).TrimEnd('=');

    public string ClientId { get; init; } = "C5e0f1d6a7b4c3829160f5e4d3c2b1a09887766554433221100ffeeddccbbaa99";

    public string ClientSecret { get; init; } = "sandbox-webex-service-app-secret";

    public string IntegrationClientId { get; init; } = "Ca1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff00";

    public string IntegrationClientSecret { get; init; } = "sandbox-webex-integration-secret";

    /// <summary>The integration's redirect URIs, compared exactly. A login with another URI is redirected to the first.</summary>
    public IReadOnlyList<string> RedirectUris { get; init; } =
        ["http://localhost:3000/callback", "http://127.0.0.1:9210/auth/callback", "http://localhost:9210/auth/callback"];

    /// <summary>The scopes of a service app's token.</summary>
    public IReadOnlyList<string> ServiceAppScopes { get; init; } = [WebexProvider.ReadScope, WebexProvider.WriteScope];

    /// <summary>14 and 90 days, as in Webex's responses.</summary>
    public TokenLifetimes ServiceAppLifetimes { get; init; } =
        new(Access: TimeSpan.FromDays(14), Refresh: TimeSpan.FromDays(90), Code: TimeSpan.FromMinutes(1));

    public TokenLifetimes IntegrationLifetimes { get; init; } =
        new(Access: TimeSpan.FromDays(14), Refresh: TimeSpan.FromDays(90), Code: TimeSpan.FromMinutes(5));

    /// <summary>The lifetime of the developer portal's token, which cannot be renewed.</summary>
    public TimeSpan PersonalLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Webex publishes no limits. An empty list means no limit.</summary>
    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(300, TimeSpan.FromMinutes(1))];

    public override ProviderOptions WithAccessLifetime(TimeSpan lifetime) =>
        this with { ServiceAppLifetimes = ServiceAppLifetimes with { Access = lifetime } };

    internal override IProvider Open(SandboxContext sandbox) => new WebexProvider(this, sandbox);
}

public static class WebexSandbox
{
    extension(SandboxServer sandbox)
    {
        public WebexProvider Webex => sandbox.Get<WebexProvider>();
    }
}

using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

public sealed record ToyProviderOptions : ProviderOptions
{
    public string Level { get; init; } = "1";

    public override IReadOnlyList<ProviderFlag> Flags =>
        [new("--toy-level", "NUMBER", "Level of the toy.", [Level], values => this with { Level = values[^1] })];

    internal override IProvider Open(SandboxContext sandbox) => new ToyProvider(this, sandbox);
}

/// <summary>A token endpoint and a level.</summary>
public sealed class ToyProvider : IProvider
{
    private const string ClientId = "toy-client";

    private readonly ToyProviderOptions options;

    internal ToyProvider(ToyProviderOptions options, SandboxContext sandbox)
    {
        this.options = options;
        Authorization = new AuthorizationServer(
            sandbox.Time, new TokenLifetimes(TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromMinutes(1)), user => $"{user}-{Guid.NewGuid()}");
        Authorization.Register(new RegisteredClient(ClientId, null, []));
        var errors = new ErrorResponses(error => ProviderResponse.Json(400, $$"""{"error":"{{error}}"}"""), ProviderResponse.Empty(429));
        Endpoints = [new ProviderEndpoint("token", sandbox, errors), new ProviderEndpoint("level", sandbox, errors)];
    }

    public string Name => "toy";

    public AuthorizationServer Authorization { get; }

    public IReadOnlyList<ProviderEndpoint> Endpoints { get; }

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) =>
        Issued(Authorization.Login(ClientId, user ?? "child", "play"));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/toy/token", async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            await Endpoints[0].Serve(context, () => Authorization.Client(form?["client_id"]) is { } client
                && Authorization.Renew(client, form?["refresh_token"].ToString() ?? "") is GrantOutcome.Granted(var tokens)
                    ? Issued(tokens) : ProviderResponse.Json(400, """{"error":"invalid_grant"}"""));
        });
        routes.MapGet("/toy/level", context => Endpoints[1].Serve(context, () =>
            Authorization.Check(ProviderEndpoint.Bearer(context.Request) ?? "", "play") is AccessOutcome.Allowed
                ? ProviderResponse.Json(200, options.Level)
                : ProviderResponse.Empty(401)));
    }

    Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([$"Toy: {ClientId} with {Authorization.Login(ClientId, "child", "play").RefreshToken}"]);

    private static ProviderResponse Issued(IssuedTokens tokens) => ProviderResponse.Json(200, string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"access_token":"{{tokens.AccessToken}}","refresh_token":"{{tokens.RefreshToken}}","expires_in":{{(long)tokens.ExpiresIn.TotalSeconds}}}"""));
}

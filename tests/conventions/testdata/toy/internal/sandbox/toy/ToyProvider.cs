using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

public sealed record ToyCloudOptions : CloudOptions
{
    public string Level { get; init; } = "1";

    public override IReadOnlyList<CloudFlag> Flags => [new("--toy-level", "NUMBER", "Level of the toy.", [Level], values => this with { Level = values[^1] })];

    internal override ICloud Open(Surroundings surroundings) => new ToyCloud(this, surroundings);
}

/// <summary>A token endpoint and a level.</summary>
public sealed class ToyCloud : ICloud
{
    private const string ClientId = "toy-client";

    private readonly ToyCloudOptions options;

    internal ToyCloud(ToyCloudOptions options, Surroundings surroundings)
    {
        this.options = options;
        Authorization = new AuthorizationServer(
            surroundings.Time, new TokenLifetimes(TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromMinutes(1)), user => $"{user}-{Guid.NewGuid()}");
        Authorization.Register(new RegisteredClient(ClientId, null, []));
        var dialect = new Dialect(error => Answer.Json(400, $$"""{"error":"{{error}}"}"""), Answer.Empty(429));
        Endpoints = [new CloudEndpoint("token", surroundings, dialect), new CloudEndpoint("level", surroundings, dialect)];
    }

    public string Name => "toy";

    public AuthorizationServer Authorization { get; }

    public IReadOnlyList<CloudEndpoint> Endpoints { get; }

    Answer ICloud.Login(string? level, string? user, IReadOnlyList<string>? scope) => Issued(Authorization.Login(ClientId, user ?? "child", "play"));

    void ICloud.Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/toy/token", async context =>
        {
            var form = await CloudEndpoint.Form(context.Request);
            await Endpoints[0].Serve(context, () => Authorization.Client(form?["client_id"]) is { } client
                && Authorization.Renew(client, form?["refresh_token"].ToString() ?? "") is GrantOutcome.Granted(var tokens)
                    ? Issued(tokens) : Answer.Json(400, """{"error":"invalid_grant"}"""));
        });
        routes.MapGet("/toy/level", context => Endpoints[1].Serve(context, () =>
            Authorization.Check(CloudEndpoint.Bearer(context.Request) ?? "", "play") is AccessOutcome.Allowed ? Answer.Json(200, options.Level) : Answer.Empty(401)));
    }

    Task<IReadOnlyList<string>> ICloud.IntroduceAsync(Uri address, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([$"Toy: {ClientId} with {Authorization.Login(ClientId, "child", "play").RefreshToken}"]);

    private static Answer Issued(IssuedTokens tokens) => Answer.Json(200, string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"access_token":"{{tokens.AccessToken}}","refresh_token":"{{tokens.RefreshToken}}","expires_in":{{(long)tokens.ExpiresIn.TotalSeconds}}}"""));
}

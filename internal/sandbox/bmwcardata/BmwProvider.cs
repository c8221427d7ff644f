using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

public sealed record BmwProviderOptions : ProviderOptions
{
    public string ClientId { get; init; } = "5b8f4a52-6f0e-4d1c-9a37-1e2d3c4b5a69";

    /// <summary>The user's ID at BMW, which is the user name of the stream.</summary>
    public string Gcid { get; init; } = "0f8d2a4c-7b61-4e93-8c05-6d9e1f2a3b4c";

    /// <summary>BMW's lifetimes: an hour, two weeks and five minutes.</summary>
    public TokenLifetimes Lifetimes { get; init; } = new(
        Access: TimeSpan.FromHours(1), Refresh: TimeSpan.FromDays(14), Code: TimeSpan.FromMinutes(5));

    /// <summary>The address of the stream; port 0 selects a free port, and null disables the stream.</summary>
    public IPEndPoint? Stream { get; init; }

    /// <summary>The minimum interval between two polls of a device.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The cars of each user.</summary>
    public IReadOnlyList<BmwProviderCar> Cars { get; init; } = [BmwProviderCar.Sample];

    /// <summary>The daily quota of the CarData API. The day begins at midnight UTC.</summary>
    public int DailyCalls { get; init; } = 50;

    /// <summary>The scopes of the services that the user subscribed to in the portal.</summary>
    public IReadOnlyList<string> Subscriptions { get; init; } = ["cardata:streaming:read", "cardata:api:read"];

    /// <summary>Adds the stream, on the port after the sandbox's.</summary>
    public override ProviderOptions ForCommand(IPEndPoint listen) =>
        this with { Stream = new IPEndPoint(listen.Address, listen.Port is 0 or 65535 ? 0 : listen.Port + 1) };

    public override ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this with { Lifetimes = Lifetimes with { Access = lifetime } };

    internal override IProvider Open(SandboxContext sandbox) => new BmwProvider(this, sandbox);
}

/// <summary>BMW CarData in a sandbox.</summary>
public static class BmwSandbox
{
    extension(SandboxServer sandbox)
    {
        public BmwProvider Bmw => sandbox.Get<BmwProvider>();
    }
}

/// <summary>BMW CarData: device endpoint, the page for the code, token endpoint and CarData API, each with BMW's errors. Thread-safe.</summary>
public sealed class BmwProvider : IProvider
{
    private readonly BmwProviderOptions options;
    private readonly TimeProvider time;
    private readonly DeviceEndpoint device;
    private readonly byte[] signingKey = RandomNumberGenerator.GetBytes(32);

    internal BmwProvider(BmwProviderOptions options, SandboxContext sandbox)
    {
        this.options = options;
        time = sandbox.Time;
        device = new DeviceEndpoint("BMW", time, options.Interval);
        Authorization = new AuthorizationServer(time, options.Lifetimes, _ => RandomNumberGenerator.GetHexString(48, lowercase: true));
        Authorization.Register(new RegisteredClient(options.ClientId, null, []));
        var errors = new ErrorResponses(code => Error(code), ProviderResponse.Empty(429));
        DeviceCode = new ProviderEndpoint("device", sandbox, errors);
        Token = new ProviderEndpoint("token", sandbox, errors);
        Link = new ProviderEndpoint("link", sandbox, errors);
        Rest = new BmwRest(options, Authorization, sandbox);
    }

    public string Name => "bmw-cardata";

    public string ClientId => options.ClientId;

    public string Gcid => options.Gcid;

    public AuthorizationServer Authorization { get; }

    /// <summary>The stream; null if it is disabled.</summary>
    public BmwBroker? Broker { get; private set; }

    public ProviderEndpoint DeviceCode { get; }

    public ProviderEndpoint Token { get; }

    /// <summary>The page where the user enters the code.</summary>
    public ProviderEndpoint Link { get; }

    /// <summary>The CarData API: cars and their values.</summary>
    public BmwRest Rest { get; }

    /// <summary>BMW rejects a login for a service without a subscription like a malformed request.</summary>
    private IReadOnlyList<string> Scopes => ["authenticate_user", "openid", .. options.Subscriptions];

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints =>
        [DeviceCode, Token, Link, Rest.Mappings, Rest.BasicData, Rest.ContainersList, Rest.TelematicData];

    /// <summary>Creates a login, as if the user had entered the code.</summary>
    public IssuedTokens Login(params IReadOnlyList<string> scope) => Authorization.Login(ClientId, Gcid, scope.Count == 0 ? Scopes : scope);

    /// <summary>Creates a login of another user. Each user has a stream.</summary>
    public IssuedTokens LoginOf(string gcid) => Authorization.Login(ClientId, gcid, Scopes);

    /// <summary>Enters the code and approves or denies the login, as a user does on the page; false if the code is unknown.</summary>
    public bool Decide(string userCode, bool approve) => device.Decide(userCode, approve);

    /// <summary>Creates an ID token, the password of the stream.</summary>
    public string IdToken() => IdToken(Gcid, options.Lifetimes.Access);

    async Task IProvider.StartAsync(CancellationToken cancellationToken)
    {
        if (options.Stream is { } address)
        {
            Broker = await BmwBroker.StartAsync(address, new BrokerRules(ExpiryOf, time));
        }
    }

    async Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken)
    {
        List<string> lines = [$"BMW client id:      {ClientId}", $"BMW refresh token:  {Login().RefreshToken}"];
        if (Broker is { } broker)
        {
            await File.WriteAllTextAsync(CertificateFile(broker), broker.CertificatePem, cancellationToken);
            lines.Add($"BMW stream:         {broker.EndPoint}, certificate in {CertificateFile(broker)}");
        }
        return lines;
    }

    async Task IProvider.RunAsync(CancellationToken cancellationToken)
    {
        if (Broker is { } broker)
        {
            await new BmwDrive(BmwProviderCar.Sample.Vin, time).RunAsync(broker, $"{Gcid}/{BmwProviderCar.Sample.Vin}", cancellationToken);
            File.Delete(CertificateFile(broker));
        }
    }

    public ValueTask DisposeAsync() => Broker?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>The file of the sandbox's command with the certificate that a client has to trust.</summary>
    private static string CertificateFile(BmwBroker broker) => Path.Combine(Path.GetTempPath(), $"sandbox-bmw-{broker.EndPoint.Port}.pem");

    /// <summary>The expiry of an ID token; null if it is invalid, expired, or belongs to another account.</summary>
    private DateTimeOffset? ExpiryOf(string account, string token)
    {
        if (token.Split('.') is not [var header, var claims, var signature]
            || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signature), Encoding.ASCII.GetBytes(Sign($"{header}.{claims}"))))
        {
            return null;
        }
        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(claims));
        var end = DateTimeOffset.FromUnixTimeSeconds(document.RootElement.GetProperty("exp").GetInt64());
        return document.RootElement.GetProperty("sub").ValueEquals(account) && end > time.GetUtcNow() ? end : null;
    }

    private string Sign(string signed) => Base64Url.EncodeToString(HMACSHA256.HashData(signingKey, Encoding.ASCII.GetBytes(signed)));

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) =>
        TokenAnswer(Authorization.Login(ClientId, user ?? Gcid, scope is null or [] ? Scopes : scope));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/gcdm/oauth/device/code", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            await DeviceCode.Serve(context, () => Begin(context.Request, form));
        });
        routes.MapMethods("/gcdm/oauth/token", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            using var flight = Authorization.TrackRequest(form?["refresh_token"]);
            await Token.Serve(context, () => Grant(form), flight);
        });
        routes.MapMethods("/oneid/link", ["GET"], context => Link.Serve(context, () => device.Show(context.Request.Query)));
        routes.MapMethods("/oneid/link", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            await Link.Serve(context, () => device.Submit(form));
        });
        Rest.Map(routes);
    }

    private ProviderResponse Begin(HttpRequest request, IFormCollection? form)
    {
        if (Client(form, out var error) is not { } client)
        {
            return error;
        }
        var scope = Field(form, "scope")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        var challenge = Field(form, "code_challenge");
        if (scope.Length == 0 || scope.Except(Scopes).Any() || challenge is not { Length: 43 } || Field(form, "code_challenge_method") != "S256"
            || Field(form, "response_type") is not (null or "device_code"))
        {
            return Error("invalid_request");
        }
        var lifetime = Authorization.Lifetimes.Code;
        var (deviceCode, userCode) = device.Begin(new DeviceRequest(client.Id, scope, challenge), lifetime);
        // Without verification_uri_complete: BMW documents it, but has not sent it since January 2026.
        var body = new BmwDevice(
            userCode, deviceCode, (long)options.Interval.TotalSeconds, (long)lifetime.TotalSeconds, $"{request.Scheme}://{request.Host}/oneid/link");
        return ProviderResponse.Json(200, JsonSerializer.SerializeToUtf8Bytes(body, BmwJson.Default.BmwDevice));
    }

    private ProviderResponse Grant(IFormCollection? form)
    {
        if (Client(form, out var error) is not { } client)
        {
            return error;
        }
        switch (Field(form, "grant_type"))
        {
            case "refresh_token" when Field(form, "refresh_token") is { } presented:
                // BMW reports a missing parameter for a used, expired or revoked token.
                return Authorization.Renew(client, presented) is GrantOutcome.Granted(var renewed) ? TokenAnswer(renewed) : Error("invalid_request");
            case "urn:ietf:params:oauth:grant-type:device_code" when Field(form, "device_code") is { } code:
                return device.Poll(code, client.Id, Field(form, "code_verifier")) switch
                {
                    DeviceOutcome.Approved(var approved) => TokenAnswer(Authorization.Login(client.Id, Gcid, approved.Scope)),
                    DeviceOutcome.Rejected(var reason) => Error(reason),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            default:
                return Error("invalid_request");
        }
    }

    private RegisteredClient? Client(IFormCollection? form, out ProviderResponse error)
    {
        var id = Field(form, "client_id");
        // BMW responds to a client ID in upper case with a server error.
        error = id is not null && id.Any(char.IsAsciiLetterUpper)
            ? ProviderResponse.Json(500,
                """{"fault":{"faultstring":"Invalid Access Token","detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}""")
            : Error(id is null ? "invalid_request" : "invalid_client");
        return Authorization.Client(id);
    }

    private static string? Field(IFormCollection? form, string name) => form?[name] is [{ Length: > 0 } value] ? value : null;

    private static ProviderResponse Error(string error)
    {
        var (status, description) = error switch
        {
            "authorization_pending" => (403, "The user has yet to authorize the device code."),
            "slow_down" => (400, "The client is polling too quickly."),
            "access_denied" => (403, "The user denied the request."),
            "expired_token" => (401, "The device code has expired."),
            "invalid_client" => (401, "Client authentication failed."),
            "invalid_request" => (400, "The request is missing a required parameter, includes an invalid parameter value or is otherwise malformed."),
            _ => (400, "The request was rejected."),
        };
        var body = JsonSerializer.SerializeToUtf8Bytes(new BmwError(error, description), BmwJson.Default.BmwError);
        return ProviderResponse.Json(status, body).With("Cache-Control", "no-store");
    }

    private ProviderResponse TokenAnswer(IssuedTokens tokens)
    {
        var identity = tokens.Scope.Contains("openid") ? IdToken(tokens.User, tokens.ExpiresIn) : null;
        var body = new BmwToken(
            tokens.AccessToken, tokens.RefreshToken, identity, (long)tokens.ExpiresIn.TotalSeconds, "Bearer", string.Join(' ', tokens.Scope),
            tokens.User);
        return ProviderResponse.Json(200, JsonSerializer.SerializeToUtf8Bytes(body, BmwJson.Default.BmwToken)).With("Cache-Control", "no-store");
    }

    /// <summary>A JWT, signed with the key of this sandbox.</summary>
    private string IdToken(string user, TimeSpan lifetime)
    {
        var now = time.GetUtcNow();
        var (issued, expiry) = (now.ToUnixTimeSeconds(), (now + lifetime).ToUnixTimeSeconds());
        var id = RandomNumberGenerator.GetHexString(16, lowercase: true);
        var claims = string.Create(CultureInfo.InvariantCulture,
            $$"""{"iss":"sandbox","aud":"{{ClientId}}","sub":"{{JsonEncodedText.Encode(user)}}","iat":{{issued}},"exp":{{expiry}},"jti":"{{id}}"}""");
        var signed = $"{Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Sign(signed)}";
    }
}

internal sealed record BmwDevice(string UserCode, string DeviceCode, long Interval, long ExpiresIn, string VerificationUri);

internal sealed record BmwToken(
    string AccessToken, string RefreshToken, string? IdToken, long ExpiresIn, string TokenType, string Scope, string Gcid);

internal sealed record BmwError(string Error, string ErrorDescription);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BmwDevice))]
[JsonSerializable(typeof(BmwToken))]
[JsonSerializable(typeof(BmwError))]
internal sealed partial class BmwJson : JsonSerializerContext;

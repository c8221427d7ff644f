using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Http;

/// <summary>Any JSON API, by a module: a piece of YAML.</summary>
public sealed class HttpSource : ISource
{
    internal const string SourceName = "http";

    public string Name => SourceName;

    public SourceSettings Settings => HttpOptions.All;

    public IReadOnlyList<SourceCommand> Commands => HttpCommands.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    /// <summary>An account of an API that needs no login has no token to store.</summary>
    public bool StoresToken(Section section) => HttpOptions.ReadFile(section)?.Auth is not (ModuleAuth.ApiKey or ModuleAuth.Basic or ModuleAuth.None);

    public void AddServices(IServiceCollection services) => services.AddApiClient(Name, HttpApi.RejectsTokenAsync);

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = HttpOptions.Read(section);
        return context => Open(options!, context);
    }

    private Account Open(HttpOptions options, AccountContext context)
    {
        var (module, time, logger) = (options.Module, context.Time, context.Logging.CreateLogger("http"));
        var oauth = options.OAuth is { } login ? OAuthAccount.Open(login, context) : null;
        var manager = oauth?.TokenManager ?? context.CreateTokenManager(new ConfiguredCredential(), ConfiguredCredential.CreateStore());
        var http = context.Services.GetRequiredKeyedService<HttpClient>(Name);
        var api = new HttpApi(module, http, oauth?.TokenManager, Basic(options), options.OAuth?.Scopes ?? [], time)
        {
            Budget = module.Budget.Count == 0 ? null : context.OpenBudget(
                new BudgetKey(Name, module.Name, OwnerOf(options, context)), module.Budget, BudgetFile(context), logger),
            Calls = new HttpCalls(context, module.Name),
        };
        var reader = new HttpReader(module, api, context.Series, time, logger);
        var poller = new Poller<HttpReading>(
            context.Name, reader.ReadAsync, HttpMetrics.From, HttpPresentation.Of, HttpReadingFormat.Of(module, reader.Memory), manager,
            new PollerOptions(module.Interval) { Series = context.Series }, time, logger);
        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Provider = module.Name,
            Login = oauth?.Login ?? new LoginMethod.Unattended(Explanation(module.Auth)),
            Revoke = oauth?.Revoke,
            Paste = oauth?.Paste ?? new PastedToken("token", manager.TryAsync),
            SharingProblem = oauth is null ? "its credential is in the configuration" : oauth.SharingProblem,
            DebugData = () => poller.Reading?.ToJson(),
            Commands = new HttpCommands(module, api, context, () => Secrets(module, manager)).Handlers,
        };
    }

    private static string Explanation(ModuleAuth auth) => auth switch
    {
        ModuleAuth.ApiKey => "The exporter uses the API key of the configuration.",
        ModuleAuth.Basic => "The exporter uses the user name and the password of the configuration.",
        _ => "The API needs no login.",
    };

    /// <summary>Whose requests the API counts. The accounts of a template have its credentials in common, and a login of their own.</summary>
    private static string OwnerOf(HttpOptions options, AccountContext context) => options switch
    {
        { OAuth: null or { Grant: OAuthGrant.Password } } => context.Template,
        { OAuth.Grant: OAuthGrant.ClientCredentials } or { Module.BudgetOwner: BudgetOwner.Client } => options.OAuth.Client.Id,
        _ => context.Name,
    };

    private static string BudgetFile(AccountContext context) =>
        Path.Combine(context.StateDirectory, SourceName, $"{Uri.EscapeDataString(context.Name)}-requests.json");

    /// <summary>What no recorded answer may contain.</summary>
    private static IReadOnlyList<string> Secrets(Module module, TokenManager manager) => manager.Snapshot.State.Token is { } token
        ? [.. module.Secrets, .. new[] { token.AccessToken, token.RefreshToken, token.IdToken }.OfType<Secret>().Select(secret => secret.Reveal())]
        : module.Secrets;

    /// <summary>RFC 7617, section 2: the user name and the password in UTF-8.</summary>
    private static AuthenticationHeaderValue? Basic(HttpOptions options) => options.Password is { } password
        ? new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.Username}:{password.Reveal()}")))
        : null;
}

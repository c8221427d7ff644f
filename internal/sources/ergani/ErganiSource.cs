using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>The Greek labour ministry's Ergani: accounts that log in by themselves.</summary>
public sealed class ErganiSource : ISource
{
    /// <summary>Ergani's refresh wants the old access token, too: what is pasted alone could not be tried, and a log-in would be taken for its success.</summary>
    private const string OnlyByPassword =
        "Ergani takes no refresh token without the access token that it came with; put both into the token file, or let the exporter log in by username and password";

    internal const string SourceName = "ergani";

    public string Name => SourceName;

    public SourceSettings Settings => ErganiOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new ErganiTokenFormat()];

    /// <summary>None: the token goes to its own directory, see <see cref="ErganiTokenDirectory"/>.</summary>
    public Func<DefaultTokenFile, string>? ChooseTokenFile => null;

    public void AddServices(IServiceCollection services) => services.AddErganiApi();

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = ErganiOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(ErganiOptions options, AccountContext context)
    {
        var (time, logger, credentials) = (context.Time, context.Logging.CreateLogger("ergani"), options.Credentials);
        var (store, recordFile) = Home(options, context, logger);
        var calls = new ErganiCalls(context);
        var manager = new TokenManager(context.Name, new ErganiGrant(credentials, context.TokenHttp, time, recordFile, logger, calls.Mark), store, context.TokenOptions, time, logger);
        var (api, account) = (context.Services.GetRequiredService<IErganiApi>(), new ApiAccount(manager, credentials.Environment.Address) { Calls = calls });
        var census = new ErganiCensus(api, account, options.Counts, context.Name, time, logger);
        var poller = new Poller<ErganiReading>(
            context.Name, census.TakeAsync, (reading, _) => new ReadingMetrics([.. ErganiMetrics.From(reading)], null), manager,
            new PollerOptions(options.RefreshInterval) { Starting = () => Greet(credentials.Environment, context.Name, logger) }, time, logger);

        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Revoke = async (token, cancellationToken) => token switch
            {
                { RefreshToken: null } => null,
                { AccessToken: null } => "Ergani takes no logout without the access token that the refresh token came with",
                { RefreshToken: { } refresh, AccessToken: { } access } => await api.LogOutAsync(account, refresh, access, time, cancellationToken) is PollResult<bool>.Failed(var failure) ? failure.Reason : null,
            },
            Paste = new PastedToken("refresh token", (_, _) => Task.FromResult<Renewal>(new Renewal.InvalidClient(OnlyByPassword))),
            DebugData = () => poller.Reading?.ToJson(),
        };
    }

    /// <summary>Where the token is kept, and beside it the record of log-ins: in the account's file, in its directory, in the program's, or in memory.</summary>
    private static (ITokenStore Store, string? RecordFile) Home(ErganiOptions options, AccountContext context, ILogger logger)
    {
        if (options.InMemory)
        {
            return (context.WithTokenExport(new MemoryStore()), null);
        }
        if (options.TokenFile is { } file)
        {
            return (context.Store, RecordBeside(file));
        }
        var directory = new ErganiTokenDirectory(options.TokenDirectory ?? Path.Combine(context.StateDirectory, "ergani"), context.Time, logger);
        try
        {
            return (context.WithTokenExport(directory.StoreOf(options.Credentials)), RecordBeside(directory.FileOf(options.Credentials)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogError("account {Account}: tokens cannot be kept in {DirectoryPath}: {Reason}", context.Name, directory.Path, Sanitize.Line(e.Message));
            return (context.WithTokenExport(directory.StoreOf(options.Credentials)), null);
        }
    }

    private static string RecordBeside(string tokenFile) => $"{tokenFile}.log-ins";

    private static void Greet(ErganiEnvironment environment, string account, ILogger logger)
    {
        if (environment.Name == ErganiEnvironment.Test.Name)
        {
            logger.LogWarning("account {Account}: this is Ergani's TEST environment ({Address}); the real one is environment: production", account, environment.Address);
        }
        else
        {
            logger.LogInformation("account {Account}: this is Ergani's production environment ({Address})", account, environment.Address);
        }
    }
}

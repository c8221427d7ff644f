using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>The Greek labour ministry's Ergani: accounts that log in automatically.</summary>
public sealed class ErganiSource : ISource
{
    /// <summary>A pasted refresh token alone cannot be checked: the login after its rejection would look like a success.</summary>
    private const string NeedsBothTokens =
        "Ergani renews a refresh token only together with its access token; put both into the token file, or configure username and password";

    internal const string SourceName = "ergani";

    public string Name => SourceName;

    public SourceSettings Settings => ErganiOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new ErganiTokenFormat()];

    /// <summary>Null, because tokens have a directory of their own; see <see cref="ErganiTokenDirectory"/>.</summary>
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
        var (store, recordFile) = OpenStore(options, context, logger);
        var calls = new ErganiCalls(context);
        var grant = new ErganiGrant(credentials, context.TokenHttp, time, recordFile, logger, calls.Mark);
        var manager = context.CreateTokenManager(grant, store);
        var api = context.Services.GetRequiredService<IErganiApi>();
        var account = new ApiAccount(manager, credentials.Environment.Address) { Calls = calls };
        var reader = new ErganiReader(api, account, options.Counts, context.Name, time, logger);
        var poller = new Poller<ErganiReading>(
            context.Name, reader.ReadAsync, (reading, _) => new ReadingMetrics([.. ErganiMetrics.From(reading)], null),
            (reading, _) => ErganiPresentation.Of(reading, credentials.Environment),
            ReadingFormat.Of(Name, ErganiReadingJson.Default.ErganiReading) with { Memory = reader.Memory }, manager,
            new PollerOptions(options.RefreshInterval)
            {
                Series = context.Series,
                Starting = () => LogEnvironment(credentials.Environment, context.Name, logger),
            },
            time, logger);

        return new Account(context.Name, Name, context.HasAccountLabel, manager, poller)
        {
            Provider = "Ergani",
            SharingProblem = "its logins are recorded in a file",
            TokenOwner = $"{credentials.Environment.Address} {credentials.UserType} {credentials.Username}",
            Revoke = async (token, cancellationToken) => token switch
            {
                { RefreshToken: null } => null,
                { AccessToken: null } => "Ergani accepts a logout only with the access token that belongs to the refresh token",
                { RefreshToken: { } refresh, AccessToken: { } access } =>
                    (await api.LogOutAsync(account, refresh, access, time, cancellationToken)).Failure?.Reason,
            },
            Paste = new PastedToken("refresh token", (_, _, _) => Task.FromResult<Renewal>(new Renewal.InvalidClient(NeedsBothTokens))),
            DebugData = () => poller.Reading?.ToJson(),
        };
    }

    /// <summary>In memory, in the account's file, in its directory, or in the program's. The login record is in the same place.</summary>
    private static (ITokenStore Store, string? RecordFile) OpenStore(ErganiOptions options, AccountContext context, ILogger logger)
    {
        // A shared store has no place for the login record. Without it, a rejected password would be sent again.
        if (options.InMemory || !context.KeepsFiles)
        {
            return (context.WithTokenExport(new MemoryStore()), null);
        }
        if (options.TokenFile is { } file)
        {
            return (context.Store, RecordFileFor(file));
        }
        var directory = new ErganiTokenDirectory(options.TokenDirectory ?? Path.Combine(context.StateDirectory, "ergani"), context.Time, logger);
        var store = context.WithTokenExport(directory.StoreOf(options.Credentials));
        try
        {
            return (store, RecordFileFor(directory.FileOf(options.Credentials)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogError("account {Account}: tokens cannot be stored in {Directory}: {Reason}",
                context.Name, directory.Path, Sanitize.Line(e.Message));
            return (store, null);
        }
    }

    private static string RecordFileFor(string tokenFile) => $"{tokenFile}.log-ins";

    private static void LogEnvironment(ErganiEnvironment environment, string account, ILogger logger)
    {
        if (environment.Name == ErganiEnvironment.Test.Name)
        {
            logger.LogWarning("account {Account}: this is Ergani's TEST environment ({Address}); for real data, set environment: production",
                account, environment.Address);
        }
        else
        {
            logger.LogInformation("account {Account}: this is Ergani's production environment ({Address})", account, environment.Address);
        }
    }
}

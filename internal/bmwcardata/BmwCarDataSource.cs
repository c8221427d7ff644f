using Exporter.Sources;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>BMW's cars, as CarData tells of them.</summary>
/// <param name="time">Its zone is the one that times without a zone in a token file are of.</param>
public sealed class BmwCarDataSource(TimeProvider time) : ISource
{
    public string Name => "bmw-cardata";

    public SourceSettings Settings => BmwCarDataOptions.All;

    public IReadOnlyList<ITokenFormat> TokenFormats { get; } = [new BmwTokenManagerFormat(), new CarDataClientFormat(time.LocalTimeZone)];

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = BmwCarDataOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(BmwCarDataOptions options, AccountContext context)
    {
        var http = TokenEndpoint.CreateHttp();
        Keeper? keeper = null;
        var login = new BmwLogin(options, http, () => keeper?.Snapshot.State.Token, context.Time);
        keeper = new Keeper(context.Name, login.Renewal, context.Store, context.Keeping, context.Time, context.Logging.CreateLogger(Name));
        return new Account(context.Name, Name, context.Labelled, keeper, feed: null)
        {
            Login = new LoginMethod.Device(login.Device),
            Owned = [http],
        };
    }
}

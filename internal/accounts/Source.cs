using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>A kind of cloud the exporter reads. Everything a cloud needs elsewhere it contributes here; the core asks the sources it was given.</summary>
public interface ISource
{
    /// <summary>The word for it in configuration, labels and pages: <c>netatmo</c>.</summary>
    string Name { get; }

    /// <summary>The settings of its accounts.</summary>
    SourceSettings Settings { get; }

    /// <summary>The shapes its token files may have; a new file is written in the first.</summary>
    IReadOnlyList<ITokenFormat> TokenFormats { get; }

    /// <summary>Whether an account has to say where its token is kept; a source that knows a place of its own does not ask.</summary>
    bool NeedsTokenFile => true;

    /// <summary>Where the image of the tool that this source replaces keeps its token; null where there was none.</summary>
    string? FormerTokenFile => null;

    /// <summary>Commands of its own, beside those that every account has.</summary>
    IReadOnlyList<SourceCommand> Commands => [];

    /// <summary>Registers what all accounts of the source share, such as its HTTP client; called once a container.</summary>
    void AddServices(IServiceCollection services)
    {
    }

    /// <summary>
    /// Reads the settings of one account. What is wrong is reported in the section, and then what is returned is never
    /// called; nothing is opened yet.
    /// </summary>
    Func<AccountContext, Account> Configure(Section section);
}

/// <summary>What an account is opened with.</summary>
/// <param name="Store">The account's token file; memory where it names none.</param>
/// <param name="Services">The container that <see cref="ISource.AddServices"/> wrote to.</param>
public sealed record AccountContext(string Name, bool Labelled, ITokenStore Store, KeeperOptions Keeping, IServiceProvider Services)
{
    public TimeProvider Time { get; } = Services.GetRequiredService<TimeProvider>();

    public ILoggerFactory Logging { get; } = Services.GetRequiredService<ILoggerFactory>();

    /// <summary>For token requests, whoever's they are. Not disposed of by the account.</summary>
    public HttpClient TokenHttp { get; } = Services.GetRequiredKeyedService<HttpClient>(AccountServices.TokenHttp);

    /// <summary>Where a source may keep what nobody has named a place for, in a folder of its own.</summary>
    public string StateFolder { get; init; } = Exporter.Accounts.StateFolder.Default;

    /// <summary>Puts the account's sink behind a store of the source's own; <see cref="Store"/> has it already.</summary>
    public Func<ITokenStore, ITokenStore> WithSink { get; init; } = store => store;
}

using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>A kind of provider the exporter reads. What a provider needs in other parts of the program, its source contributes here.</summary>
public interface ISource
{
    /// <summary>The word for it in configuration, labels and pages.</summary>
    string Name { get; }

    /// <summary>Whether the program asks for the settings of this source when nothing is configured. Exactly one source says yes.</summary>
    bool IsDefault => false;

    /// <summary>The settings of its accounts.</summary>
    SourceSettings Settings { get; }

    /// <summary>The shapes its token files may have; a new file is written in the first.</summary>
    /// <param name="time">Gives the time zone of times that a file holds without one.</param>
    IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time);

    /// <summary>
    /// Picks the token file of an account whose settings name none. The program calls it when it opens the account, and only if the state
    /// directory is configured; without one, the token file is a required setting. Null when the source has another place for such a token.
    /// </summary>
    Func<UnnamedTokenFile, string>? PickTokenFile => file => file.InStateDirectory;

    /// <summary>What <c>exporter keep</c> does for this source when no flag says otherwise.</summary>
    KeepDefaults Keep => KeepDefaults.Common;

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

/// <summary>The token file of an account whose settings name none.</summary>
/// <param name="InStateDirectory">The account's own file in the program's state directory.</param>
/// <param name="Labelled">Whether the account has a name in the configuration.</param>
public sealed record UnnamedTokenFile(string InStateDirectory, bool Labelled);

/// <summary>The defaults of <c>exporter keep</c>.</summary>
/// <param name="TokenFile">The file to keep, in the working directory.</param>
/// <param name="Margin">How long before its end the token is renewed.</param>
/// <param name="Examples">Calls that the command's help shows.</param>
public sealed record KeepDefaults(string TokenFile, TimeSpan Margin, params IReadOnlyList<string> Examples)
{
    public static KeepDefaults Common { get; } = new("token.json", TimeSpan.FromMinutes(2));
}

/// <summary>What an account is opened with.</summary>
/// <param name="Store">The account's token file; memory where it names none.</param>
/// <param name="Services">The container that <see cref="ISource.AddServices"/> wrote to.</param>
public sealed record AccountContext(string Name, bool Labelled, ITokenStore Store, TokenManagerOptions Keeping, IServiceProvider Services)
{
    public TimeProvider Time { get; } = Services.GetRequiredService<TimeProvider>();

    public ILoggerFactory Logging { get; } = Services.GetRequiredService<ILoggerFactory>();

    /// <summary>For token requests, whoever's they are. Not disposed of by the account.</summary>
    public HttpClient TokenHttp { get; } = Services.GetRequiredKeyedService<HttpClient>(AccountServices.TokenHttp);

    /// <summary>Where a source may keep what nobody has named a place for, in a directory of its own.</summary>
    public string StateDirectory { get; init; } = Exporter.Accounts.StateDirectory.Default;

    /// <summary>Puts the account's sink behind a store of the source's own; <see cref="Store"/> has it already.</summary>
    public Func<ITokenStore, ITokenStore> WithTokenExport { get; init; } = store => store;
}

using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Tests.Postgres;

/// <summary>A source whose accounts all have one scripted grant, and no readings.</summary>
internal sealed class ScriptedSource(FakeGrant grant) : ISource
{
    public string Name => "scripted";

    public SourceSettings Settings { get; } = new("scripted", []);

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section) =>
        context => new Account(context.Name, Name, context.HasAccountLabel, context.CreateTokenManager(grant), null) { Provider = "Scripted" };
}

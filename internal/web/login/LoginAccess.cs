namespace Exporter.Web;

/// <summary>Why a request may log in an account.</summary>
/// <param name="IsFirstOnly">Whether it may do so only while the account has no token.</param>
/// <param name="Ticket">The permission from a one-time link, which ends with the login.</param>
internal sealed record LoginPermission(bool IsFirstOnly = false, string? Ticket = null);

/// <summary>
/// Decides who may log in an account. The first login is open to loopback and private addresses, so that it needs no setting. Replacing a
/// login needs a user, a client certificate, the admin address, an allowed network or a one-time link.
/// </summary>
internal sealed class LoginAccess(WebOptions options, LoginLinks links, IAccountDirectory accounts)
{
    /// <summary>Null if the request may not log in the account.</summary>
    public async ValueTask<LoginPermission?> OfAsync(HttpContext context, Account account)
    {
        var address = ClientNetwork.AddressOf(context);
        if (context.Features.Get<AuthenticatedFeature>() is not null || context.Features.Get<Listeners.AdminFeature>() is not null
            || (address is not null && options.AllowLoginFrom.Any(network => network.Contains(address))))
        {
            return new LoginPermission();
        }
        if (await links.FindTicketAsync(context, account) is { } ticket)
        {
            return new LoginPermission(Ticket: ticket);
        }
        return IsFirst(account) && address is not null && ClientNetwork.IsPrivate(address) && !ClientNetwork.IsForwarded(context.Request)
            ? new LoginPermission(IsFirstOnly: true)
            : null;
    }

    /// <summary>Whether the account has no token at all. A file that cannot be read may contain one.</summary>
    public static bool IsFirst(Account account) => account.TokenManagers.All(
        manager => manager.Snapshot is { State: TokenState.Missing, History.LastError: null });

    /// <summary>The page that lists the ways to permit the login.</summary>
    public IResult Denied(HttpContext context, Account account, string root)
    {
        var command = links.CommandFor(account);
        var isForwarded = ClientNetwork.IsForwarded(context.Request);
        var explanation = !IsFirst(account) ? $"The account {account.Name} has a login. Only its owner may replace it."
            : isForwarded ? $"A proxy forwarded this request. The first login of {account.Name} must come directly from a private address."
            : $"The first login of {account.Name} must come from a private address.";
        Html? network = ClientNetwork.AddressOf(context) is not { } address ? null : (Html)$"""
            <li>{(isForwarded ? "The proxy (everyone who uses it may then log in)" : "Your network")}: start the exporter with
            <code>--web.allow-login-from {ClientNetwork.Around(address).ToString()}</code>.</li>
            """;
        return Layout.Message(StatusCodes.Status403Forbidden, "You may not log in from here", root, explanation, $"""
            <p>Nothing was changed. Use one of these ways:</p>
            <ul>
            <li>A one-time link: {accounts.LinkRemedy(command)} Then open the link here.</li>
            {network}
            <li>A password or a client certificate: add <code>basic_auth_users</code> to the file of <code>--web.config.file</code>.</li>
            <li>A separate address for pages and login: start the exporter with <code>--web.admin-address 127.0.0.1:9211</code>.</li>
            </ul>
            """);
    }

    /// <summary>Marks a request with the password of a configured user, or with a verified client certificate.</summary>
    internal sealed record AuthenticatedFeature;
}

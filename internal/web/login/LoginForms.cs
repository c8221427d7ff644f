namespace Exporter.Web;

/// <summary>The pages with a form that changes the login of one account. They change nothing themselves.</summary>
internal sealed class LoginForms(Forms forms, NewLogins logins)
{
    /// <summary>Characters of a pasted token or address.</summary>
    public const int MaxPaste = 8192;

    public IResult PasteToken(HttpContext context, Account account) => Form(
        context, account, "../", $"Paste a {account.Paste.Noun}", $"Paste a {account.Paste.Noun} for {account.Name}",
        $"<p>The exporter first checks the pasted token at {account.Provider}. If it is accepted, it replaces the current token.</p>",
        "settoken", new Field("refresh_token", account.Paste.Title), "Save");

    /// <summary>For a redirect URI of another program: the browser ends at another address, with the code in its address bar.</summary>
    public IResult PasteCode(HttpContext context, Account account) => Form(context, account, "", "Log in", $"Log in to {account.Name}", $"""
        <p>This account uses another program's redirect URI, so your browser does not return here.</p>
        <p>1. <a class="button" href="auth/authorize?account={Uri.EscapeDataString(account.Name)}" target="_blank"
        rel="noopener noreferrer">Log in at {account.Provider}</a></p>
        <p>2. Log in there. Your browser then opens an address that may show an error. Copy the whole address from the address bar.</p>
        """, "auth/code", new Field("answer", "3. Paste the address here, or only the code"), "Log in");

    public IResult Device(HttpContext context, Account account, string root) => Form(
        context, account, root, "Log in", $"Log in to {account.Name}",
        $"<p>Get a code, and enter it at {account.Provider} on this device or another one.</p>", $"{root}auth/device", null, "Get a code");

    public IResult Renew(HttpContext context, Account account)
    {
        var next = account.TokenManager.NextRenewal is null ? "" : " The exporter renews it by itself before it expires.";
        return Form(context, account, "../", "Renew the token", $"Renew the token of {account.Name} now?",
            $"<p>The exporter requests a new token from {account.Provider}.{next}</p>", "renew", null, "Renew now");
    }

    public IResult LogOut(HttpContext context, Account account)
    {
        var effect = account.Revoke is null
            ? $"The exporter deletes its copy of the token. {account.Provider} offers no logout for programs: "
                + "end the login in your account there as well."
            : $"The exporter ends the login at {account.Provider} and deletes its copy of the token.";
        return Form(context, account, "../", "Log out", $"Log out {account.Name}?",
            $"<p>{effect} There are no new readings until you log in again.</p>", "logout", null, "Log out");
    }

    /// <summary>Null if no login waits for a confirmation.</summary>
    public IResult? Confirm(HttpContext context, Account account) => logins.PersonsOf(account) is not { } persons ? null
        : Layout.Page(StatusCodes.Status200OK, "Confirm the login · Exporter", "../", $"""
            <section class="card narrow">
            <h1>Is this the right person?</h1>
            <p>The new login of {account.Name} belongs to another person than the current one. Nothing was changed yet.</p>
            <dl class="facts"><div><dt>Current person</dt><dd>{persons.Before}</dd></div><div><dt>New person</dt><dd>{persons.After}</dd></div></dl>
            <form method="post" action="confirm">
            {forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
            <div class="actions"><button name="decision" value="adopt">Use the new login</button><button class="plain" name="decision"
            value="drop">Keep the current login</button></div>
            </form>
            </section>
            """);

    private IResult Form(
        HttpContext context, Account account, string root, string title, string heading, Html introduction, string action, Field? field,
        string button)
    {
        Html? input = field is null ? null : (Html)$"""
            <label for="{field.Name}">{field.Label}</label>
            <input type="text" id="{field.Name}" name="{field.Name}" required maxlength="{MaxPaste}" spellcheck="false" autocapitalize="none">
            """;
        return Layout.Page(StatusCodes.Status200OK, $"{title} · {account.Name}", root, $"""
            <section class="card narrow">
            <h1>{heading}</h1>
            {introduction}
            <form method="post" action="{action}" autocomplete="off">
            {forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
            {input}
            <div class="actions"><button>{button}</button><a class="button plain" href="{(root.Length > 0 ? root : "./")}">Cancel</a></div>
            </form>
            </section>
            """);
    }

    private sealed record Field(string Name, string Label);
}

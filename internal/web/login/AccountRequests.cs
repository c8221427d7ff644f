using System.Globalization;

namespace Exporter.Web;

/// <summary>Finds the account that a request is about, and checks that the request may change its login.</summary>
internal sealed class AccountRequests(IAccountDirectory accounts, LoginAccess access)
{
    public Account? OnlyAccount => accounts.Listed is [var only] ? only : null;

    /// <summary>The account that needs a login, if it is the only one.</summary>
    public Account? OnlyWaiting => accounts.Listed.Where(AccountMetrics.NeedsLogin).ToList() is [var only] ? only : null;

    /// <summary>
    /// Responds with a page of the account, with the reason why the visitor may not see it, or with the start page if there is no name.
    /// </summary>
    /// <param name="name">The name in the request.</param>
    /// <param name="root">The relative path to the root.</param>
    /// <param name="fallback">The account of a request without a name; null for none.</param>
    public Task<IResult> SelectAsync(
        HttpContext context, string? name, string root, Account? fallback, Func<Account, IResult> respond) =>
        SelectAsync(context, name, root, fallback, account => Task.FromResult(respond(account)));

    /// <inheritdoc cref="SelectAsync(HttpContext, string, string, Account, Func{Account, IResult})"/>
    public async Task<IResult> SelectAsync(
        HttpContext context, string? name, string root, Account? fallback, Func<Account, Task<IResult>> respond) =>
        await ChooseAsync(context, name, root, fallback) is var (account, instead) && account is null ? instead! : await respond(account);

    /// <summary>Handles a form that <see cref="Forms.CheckAsync"/> has read.</summary>
    public async Task<IResult> PostAsync(
        HttpContext context, Func<HttpContext, Account, LoginPermission, IFormCollection, Task<IResult>> respond)
    {
        var form = context.Request.Form;
        var account = await FindAsync(form["account"] is [var name] ? name : null, OnlyAccount, context.RequestAborted);
        if (account is null)
        {
            return Unknown("../");
        }
        if (await access.OfAsync(context, account) is not { } permission)
        {
            return access.Denied(context, account, "../");
        }
        try
        {
            return await respond(context, account, permission, form);
        }
        catch (ObjectDisposedException) when (account.Leaving.IsCancellationRequested)
        {
            return LoginOutcome.AccountChanged.ToPage();
        }
    }

    /// <summary>Redirects to the account's card on the start page, after a form below <c>/auth</c>.</summary>
    public Redirect ToCard(Account account) => Redirect.After($"../{accounts.QueryOf(account)}#{AccountKey.CardOf(account)}");

    /// <summary>Redirects to the code of a device login on the start page, after a form below <c>/auth</c>.</summary>
    public Redirect ToCode(Account account) => Redirect.After($"../{accounts.QueryOf(account)}#{AccountKey.CodeOf(account)}");

    /// <summary>The page for an attempt that must wait for another one.</summary>
    public static IResult TooEarly(HttpContext context, TimeSpan wait)
    {
        var seconds = (int)Math.Ceiling(wait.TotalSeconds);
        context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return Layout.Message(StatusCodes.Status429TooManyRequests, "Another login is in progress", "../",
            "The exporter tries one login of an account at a time, and waits after a login that failed. Nothing was sent or changed.",
            $"<p>Reload this page in {seconds} s.</p>");
    }

    /// <summary>The page for a name that no account has.</summary>
    public static IResult Unknown(string root) => Layout.Message(StatusCodes.Status404NotFound,
        "Unknown account", root, "There is no account with this name.", $"<p>Select one from the list of accounts.</p>");

    private async ValueTask<(Account? Account, IResult? Instead)> ChooseAsync(
        HttpContext context, string? name, string root, Account? fallback) =>
        await FindAsync(name, fallback, context.RequestAborted) is { } account
            ? await access.OfAsync(context, account) is null ? (null, access.Denied(context, account, root)) : (account, null)
            : (null, string.IsNullOrEmpty(name) ? new Redirect(root.Length > 0 ? root : "./") : Unknown(root));

    private ValueTask<Account?> FindAsync(string? name, Account? fallback, CancellationToken cancellationToken) =>
        string.IsNullOrEmpty(name) ? ValueTask.FromResult(fallback) : accounts.FindAsync(name, cancellationToken);
}

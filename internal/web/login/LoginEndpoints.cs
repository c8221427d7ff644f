using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace Exporter.Web;

/// <summary>
/// Logging in by browser. A GET begins a login and changes nothing; only a callback with the state of a login that was begun in the
/// same browser changes a token, and whatever else does is a POST with an anti-forgery token.
/// </summary>
internal sealed class LoginEndpoints(
    IReadOnlyList<Account> accounts, RedirectLogin redirect, DeviceLogins devices, AntiForgery antiForgery, ExternalUrl external)
{
    private const int LongestPaste = 8192;

    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/auth", Read, context => Chosen(context, "", Waiting, Begin));
        routes.MapMethods("/auth/authorize", Read, context => Chosen(context, "../", accounts is [var only] ? only : Waiting, BeginAtOnce));
        routes.MapMethods("/auth/callback", Read, CallbackAsync);
        routes.MapMethods("/auth/settoken", Read, context => Chosen(context, "../", accounts is [var only] ? only : null, AskForToken));
        routes.MapMethods("/auth/settoken", [HttpMethods.Post], context => Posted(context, SetTokenAsync));
        routes.MapMethods("/auth/code", [HttpMethods.Post], context => Posted(context, CodeAsync));
        routes.MapMethods("/auth/device", [HttpMethods.Post], context => Posted(context, DeviceAsync));
    }

    /// <summary>The one account that waits for a login, if it is one.</summary>
    private Account? Waiting => accounts.Where(AccountMetrics.NeedsLogin).ToList() is [var only] ? only : null;

    private Task Chosen(HttpContext context, string root, Account? otherwise, Func<HttpContext, Account, Task> act)
    {
        if (context.Request.Query["account"] is [{ Length: > 0 } name])
        {
            return accounts.FirstOrDefault(a => a.Name == name) is { } named ? act(context, named) : NoSuchAccount(context, root);
        }
        if (otherwise is not null)
        {
            return act(context, otherwise);
        }
        context.Response.Redirect(root.Length > 0 ? root : "./");
        return Task.CompletedTask;
    }

    private Task Begin(HttpContext context, Account account) => account.Login switch
    {
        LoginMethod.Redirect(var grant) when redirect.IsOurs(grant) => redirect.Begin(context, account, grant),
        LoginMethod.Redirect => AskForCode(context, account),
        LoginMethod.Device => AskForDevice(context, account, ""),
        LoginMethod.Paste or LoginMethod.Unattended => MoveTo(context, $"auth/settoken?account={Uri.EscapeDataString(account.Name)}"),
        _ => throw new InvalidOperationException("there is no other way to log in"),
    };

    private Task BeginAtOnce(HttpContext context, Account account) => account.Login switch
    {
        LoginMethod.Redirect(var grant) => redirect.Begin(context, account, grant),
        LoginMethod.Device => AskForDevice(context, account, "../"),
        LoginMethod.Paste or LoginMethod.Unattended => MoveTo(context, $"settoken?account={Uri.EscapeDataString(account.Name)}"),
        _ => throw new InvalidOperationException("there is no other way to log in"),
    };

    private static Task MoveTo(HttpContext context, string where)
    {
        context.Response.Redirect(where);
        return Task.CompletedTask;
    }

    private Task CallbackAsync(HttpContext context) => AnswerAsync(context, redirect.FinishAsync(context, CloudAnswer.Of(context.Request.Query)));

    private async Task SetTokenAsync(HttpContext context, Account account, IFormCollection form)
    {
        var pasted = form["refresh_token"].ToString().Trim();
        if (pasted.Length is 0 or > LongestPaste || pasted.Any(char.IsControl))
        {
            await Layout.WriteAsync(context, StatusCodes.Status400BadRequest, Layout.Sentence($"There is no {account.Paste.Noun}", "../",
                "The field was empty, or held more than one line. Nothing was changed.", $"<p>Go back and paste the {account.Paste.Noun} alone.</p>"));
            return;
        }
        await AnswerAsync(context, TryAsync());

        // Not by the browser's patience: a refresh token that was sent may be spent.
        async Task<LoginOutcome> TryAsync() => LoginOutcome.OfPaste(await account.Paste.TryAsync(new Secret(pasted), CancellationToken.None), external.Callback);
    }

    private Task CodeAsync(HttpContext context, Account account, IFormCollection form)
    {
        var pasted = form["answer"].ToString().Trim();
        var question = pasted.IndexOf('?', StringComparison.Ordinal);
        var answer = question < 0 ? new CloudAnswer { Code = pasted.Length is > 0 and < LongestPaste ? pasted : null } : CloudAnswer.Of(new QueryCollection(QueryHelpers.ParseQuery(pasted[question..])));
        return AnswerAsync(context, redirect.FinishPastedAsync(context, account, answer, isWhole: question >= 0));
    }

    private async Task DeviceAsync(HttpContext context, Account account, IFormCollection form)
    {
        if (account.Login is LoginMethod.Device(var grant))
        {
            await devices.BeginAsync(account, grant);
        }
        See(context, "../");
    }

    private static async Task AnswerAsync(HttpContext context, Task<LoginOutcome> finishing)
    {
        var outcome = await finishing;
        if (outcome is LoginOutcome.Done)
        {
            See(context, "../");
            return;
        }
        var (status, title, sentence, remedy) = outcome.Explain();
        await Layout.WriteAsync(context, status, Layout.Sentence(title, "../", sentence, $"<p>{remedy}</p>"));
    }

    /// <summary>303, so that a form does not travel on and the code leaves the address bar.</summary>
    private static void See(HttpContext context, string where)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = where;
    }

    /// <summary>Lets a form of ours in, and says to whoever sends another one why not.</summary>
    private async Task Posted(HttpContext context, Func<HttpContext, Account, IFormCollection, Task> act)
    {
        if (!context.Request.HasFormContentType)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        IFormCollection form;
        try
        {
            form = await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (InvalidDataException)
        {
            await Layout.WriteAsync(context, StatusCodes.Status400BadRequest, Layout.Sentence("This form cannot be read", "../",
                "It holds characters that no form has, or too many fields. Nothing was changed.", $"<p>Go back and send it again from the page of accounts.</p>"));
            return;
        }
        if (!Browser.IsFromUs(context.Request) || !antiForgery.Accepts(context, form))
        {
            await Layout.WriteAsync(context, StatusCodes.Status403Forbidden, Layout.Sentence("This form is not ours", "../",
                "It was sent by another site, or the page is older than the exporter's last start. Nothing was changed.",
                $"<p>Open the page of accounts again, let the browser keep cookies, and repeat it from there.</p>"));
            return;
        }
        var account = form["account"] is [{ Length: > 0 } name] ? accounts.FirstOrDefault(a => a.Name == name) : accounts is [var only] ? only : null;
        await (account is null ? NoSuchAccount(context, "../") : act(context, account, form));
    }

    private static Task NoSuchAccount(HttpContext context, string root) => Layout.WriteAsync(context, StatusCodes.Status404NotFound,
        Layout.Sentence("There is no such account", root, "No account has the name that was asked for.", $"<p>The page of accounts lists them all.</p>"));

    private Task AskForToken(HttpContext context, Account account) => Layout.WriteAsync(context, StatusCodes.Status200OK, Layout.Page($"Paste a {account.Paste.Noun} · {account.Name}", "../", $"""
        <section class="card narrow">
        <h1>Paste a {account.Paste.Noun} for {account.Name}</h1>
        <p>It is tried at the cloud first. Only if the cloud accepts it does it take the place of what the account has now.</p>
        <form method="post" action="settoken" autocomplete="off">{antiForgery.FieldFor(context)}<input type="hidden" name="account" value="{account.Name}">
        <label for="refresh_token">{account.Paste.Title}</label>
        <input type="text" id="refresh_token" name="refresh_token" required maxlength="{LongestPaste}" spellcheck="false" autocapitalize="none">
        <div class="actions"><button>Try it</button><a class="button plain" href="../">Cancel</a></div>
        </form>
        </section>
        """));

    /// <summary>For a redirect URI that is not ours: the browser ends somewhere else, with the code in its address bar.</summary>
    private Task AskForCode(HttpContext context, Account account) => Layout.WriteAsync(context, StatusCodes.Status200OK, Layout.Page($"Log in · {account.Name}", "", $"""
        <section class="card narrow">
        <h1>Log in to {account.Name}</h1>
        <p>This account's redirect URI is not the exporter's, so the cloud does not bring you back here.</p>
        <p>1. <a class="button" href="auth/authorize?account={Uri.EscapeDataString(account.Name)}" target="_blank" rel="noopener noreferrer">Open the cloud's login</a></p>
        <p>2. Log in there. The browser ends at an address that may not open at all; copy it whole from the address bar.</p>
        <form method="post" action="auth/code" autocomplete="off">{antiForgery.FieldFor(context)}<input type="hidden" name="account" value="{account.Name}">
        <label for="answer">3. Paste it here, or the code alone</label>
        <input type="text" id="answer" name="answer" required maxlength="{LongestPaste}" spellcheck="false" autocapitalize="none">
        <div class="actions"><button>Log in</button><a class="button plain" href="./">Cancel</a></div>
        </form>
        </section>
        """));

    private Task AskForDevice(HttpContext context, Account account, string root) => Layout.WriteAsync(context, StatusCodes.Status200OK, Layout.Page($"Log in · {account.Name}", root, $"""
        <section class="card narrow">
        <h1>Log in to {account.Name}</h1>
        <p>You get a code, which you type at the cloud, on this device or another.</p>
        <form method="post" action="{root}auth/device">{antiForgery.FieldFor(context)}<input type="hidden" name="account" value="{account.Name}">
        <div class="actions"><button>Get a code</button><a class="button plain" href="{(root.Length > 0 ? root : "./")}">Cancel</a></div>
        </form>
        </section>
        """));
}

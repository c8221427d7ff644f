using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace Exporter.Web;

/// <summary>
/// Logging in by browser. A GET begins a login and changes nothing; only a callback with the state of a login that was begun in the
/// same browser changes a token, and whatever else does is a POST with an antiforgery token.
/// </summary>
internal sealed class LoginEndpoints(IReadOnlyList<Account> accounts, RedirectLogin redirect, DeviceLogins devices, Forms forms, ExternalUrl external)
{
    private const int LongestPaste = 8192;

    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/auth");
        pages.MapMethods("", Read, (HttpContext context, string? account) => Chosen(account, "", Waiting, chosen => Begin(context, chosen)));
        pages.MapMethods("authorize", Read, (HttpContext context, string? account) => Chosen(account, "../", Only ?? Waiting, chosen => BeginAtOnce(context, chosen)));
        pages.MapMethods("callback", Read, async (HttpRequest request) => Answer(await redirect.FinishAsync(request.HttpContext, ProviderAnswer.Of(request.Query))));
        pages.MapMethods("settoken", Read, (HttpContext context, string? account) => Chosen(account, "../", Only, chosen => AskForToken(context, chosen)));

        var posts = routes.MapGroup("/auth").AddEndpointFilter(forms.CheckAsync);
        posts.MapPost("settoken", (HttpRequest request) => Posted(request, SetTokenAsync));
        posts.MapPost("code", (HttpRequest request) => Posted(request, (account, form) => CodeAsync(request.HttpContext, account, form)));
        posts.MapPost("device", (HttpRequest request) => Posted(request, (account, _) => DeviceAsync(account)));
    }

    private Account? Only => accounts is [var only] ? only : null;

    /// <summary>The one account that waits for a login, if it is one.</summary>
    private Account? Waiting => accounts.Where(AccountMetrics.NeedsLogin).ToList() is [var only] ? only : null;

    private IResult Chosen(string? name, string root, Account? otherwise, Func<Account, IResult> act)
    {
        if (name is { Length: > 0 })
        {
            return accounts.FirstOrDefault(a => a.Name == name) is { } named ? act(named) : NoSuchAccount(root);
        }
        return otherwise is not null ? act(otherwise) : new Redirect(root.Length > 0 ? root : "./");
    }

    private IResult Begin(HttpContext context, Account account) => account.Login switch
    {
        LoginMethod.Redirect(var grant) when redirect.IsOurs(grant) => redirect.Begin(context, account, grant),
        LoginMethod.Redirect => AskForCode(context, account),
        LoginMethod.Device => AskForDevice(context, account, ""),
        LoginMethod.Paste or LoginMethod.Unattended => new Redirect($"auth/settoken?account={Uri.EscapeDataString(account.Name)}"),
        _ => throw new InvalidOperationException("there is no other way to log in"),
    };

    private IResult BeginAtOnce(HttpContext context, Account account) => account.Login switch
    {
        LoginMethod.Redirect(var grant) => redirect.Begin(context, account, grant),
        LoginMethod.Device => AskForDevice(context, account, "../"),
        LoginMethod.Paste or LoginMethod.Unattended => new Redirect($"settoken?account={Uri.EscapeDataString(account.Name)}"),
        _ => throw new InvalidOperationException("there is no other way to log in"),
    };

    private async Task<IResult> SetTokenAsync(Account account, IFormCollection form)
    {
        var pasted = form["refresh_token"].ToString().Trim();
        if (pasted.Length is 0 or > LongestPaste || pasted.Any(char.IsControl))
        {
            return Layout.Result(StatusCodes.Status400BadRequest, Layout.Sentence($"There is no {account.Paste.Noun}", "../",
                "The field was empty, or held more than one line. Nothing was changed.", $"<p>Go back and paste the {account.Paste.Noun} alone.</p>"));
        }
        // The request goes on when the browser gives up: a refresh token that was sent may be spent.
        return Answer(LoginOutcome.OfPaste(await account.Paste.TryAsync(new Secret(pasted), CancellationToken.None), external.Callback));
    }

    private async Task<IResult> CodeAsync(HttpContext context, Account account, IFormCollection form)
    {
        var pasted = form["answer"].ToString().Trim();
        var question = pasted.IndexOf('?', StringComparison.Ordinal);
        var answer = question < 0 ? new ProviderAnswer { Code = pasted.Length is > 0 and < LongestPaste ? pasted : null } : ProviderAnswer.Of(new QueryCollection(QueryHelpers.ParseQuery(pasted[question..])));
        return Answer(await redirect.FinishPastedAsync(context, account, answer, isWhole: question >= 0));
    }

    private async Task<IResult> DeviceAsync(Account account)
    {
        if (account.Login is LoginMethod.Device(var grant))
        {
            await devices.BeginAsync(account, grant);
        }
        return Redirect.After("../");
    }

    private static IResult Answer(LoginOutcome outcome)
    {
        if (outcome is LoginOutcome.Done)
        {
            return Redirect.After("../");
        }
        var (status, title, sentence, remedy) = outcome.Explain();
        return Layout.Result(status, Layout.Sentence(title, "../", sentence, $"<p>{remedy}</p>"));
    }

    /// <summary>Finds the account that the form is for; the filter has read the form.</summary>
    private async Task<IResult> Posted(HttpRequest request, Func<Account, IFormCollection, Task<IResult>> act)
    {
        var form = request.Form;
        var account = form["account"] is [{ Length: > 0 } name] ? accounts.FirstOrDefault(a => a.Name == name) : Only;
        return account is null ? NoSuchAccount("../") : await act(account, form);
    }

    private static IResult NoSuchAccount(string root) => Layout.Result(StatusCodes.Status404NotFound,
        Layout.Sentence("There is no such account", root, "No account has the name that was asked for.", $"<p>The page of accounts lists them all.</p>"));

    private IResult AskForToken(HttpContext context, Account account) => Layout.Result(StatusCodes.Status200OK, Layout.Page($"Paste a {account.Paste.Noun} · {account.Name}", "../", $"""
        <section class="card narrow">
        <h1>Paste a {account.Paste.Noun} for {account.Name}</h1>
        <p>It is tried at the provider first. Only if the provider accepts it does it take the place of what the account has now.</p>
        <form method="post" action="settoken" autocomplete="off">{forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
        <label for="refresh_token">{account.Paste.Title}</label>
        <input type="text" id="refresh_token" name="refresh_token" required maxlength="{LongestPaste}" spellcheck="false" autocapitalize="none">
        <div class="actions"><button>Try it</button><a class="button plain" href="../">Cancel</a></div>
        </form>
        </section>
        """));

    /// <summary>For a redirect URI that is not ours: the browser ends somewhere else, with the code in its address bar.</summary>
    private IResult AskForCode(HttpContext context, Account account) => Layout.Result(StatusCodes.Status200OK, Layout.Page($"Log in · {account.Name}", "", $"""
        <section class="card narrow">
        <h1>Log in to {account.Name}</h1>
        <p>This account's redirect URI is not the exporter's, so the provider does not bring you back here.</p>
        <p>1. <a class="button" href="auth/authorize?account={Uri.EscapeDataString(account.Name)}" target="_blank" rel="noopener noreferrer">Open the provider's login</a></p>
        <p>2. Log in there. The browser ends at an address that may not open at all; copy it whole from the address bar.</p>
        <form method="post" action="auth/code" autocomplete="off">{forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
        <label for="answer">3. Paste it here, or the code alone</label>
        <input type="text" id="answer" name="answer" required maxlength="{LongestPaste}" spellcheck="false" autocapitalize="none">
        <div class="actions"><button>Log in</button><a class="button plain" href="./">Cancel</a></div>
        </form>
        </section>
        """));

    private IResult AskForDevice(HttpContext context, Account account, string root) => Layout.Result(StatusCodes.Status200OK, Layout.Page($"Log in · {account.Name}", root, $"""
        <section class="card narrow">
        <h1>Log in to {account.Name}</h1>
        <p>You get a code, which you type at the provider, on this device or another.</p>
        <form method="post" action="{root}auth/device">{forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
        <div class="actions"><button>Get a code</button><a class="button plain" href="{(root.Length > 0 ? root : "./")}">Cancel</a></div>
        </form>
        </section>
        """));
}

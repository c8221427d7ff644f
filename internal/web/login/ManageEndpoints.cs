namespace Exporter.Web;

/// <summary>What a user can do with an existing login: renew its token now, log out, or cancel a login in progress. Each needs a POST.</summary>
internal sealed class ManageEndpoints(AccountRequests requests, LoginForms pages, DeviceLogins devices, LoginAttempts attempts, Forms forms)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        string[] read = [HttpMethods.Get, HttpMethods.Head];
        var gets = routes.MapGroup("/auth");
        gets.MapMethods("renew", read, (HttpContext context, string? account) =>
            requests.SelectAsync(context, account, "../", requests.OnlyAccount, selected => pages.Renew(context, selected)));
        gets.MapMethods("logout", read, (HttpContext context, string? account) =>
            requests.SelectAsync(context, account, "../", requests.OnlyAccount, selected => pages.LogOut(context, selected)));

        var posts = routes.MapGroup("/auth").AddEndpointFilter(forms.CheckAsync);
        posts.MapPost("renew", (HttpRequest request) => requests.PostAsync(request.HttpContext, RenewAsync));
        posts.MapPost("logout", (HttpRequest request) => requests.PostAsync(request.HttpContext, LogOutAsync));
        posts.MapPost("cancel", (HttpRequest request) => requests.PostAsync(request.HttpContext, Cancel));
    }

    /// <summary>The card shows the outcome. Failures wait longer and longer, like those of logins.</summary>
    private async Task<IResult> RenewAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        if (permission.IsFirstOnly)
        {
            return requests.ToCard(account);
        }
        using var attempt = attempts.TryBegin(account, out var wait);
        if (attempt is null)
        {
            return AccountRequests.TooEarly(context, wait);
        }
        var snapshot = await account.TokenManager.RenewAsync(null, CancellationToken.None);
        attempt.Succeeded = snapshot.State is TokenState.Active { FailedRenewals: 0 };
        return requests.ToCard(account);
    }

    private async Task<IResult> LogOutAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        // A command may have logged in since the permission for a first login was given.
        if (permission.IsFirstOnly)
        {
            return requests.ToCard(account);
        }
        devices.Cancel(account);
        var result = await account.LogOutAsync(isLocal: false, CancellationToken.None);
        if (result is { Failure: null, Left.Count: 0 })
        {
            return requests.ToCard(account);
        }
        Html remedy = result.IsRevoked && result.Failure is not null
            ? (Html)$"<p>Try again later. To delete only the exporter's copy, run <code>oauth-exporter logout --local {account.Name}</code>.</p>"
            : $"<p>Fix the cause, then try again.</p>";
        return Layout.Message(StatusCodes.Status502BadGateway, "The logout is not complete", "../",
            $"{result.Failure ?? string.Join("; ", result.Left)}.", remedy);
    }

    private Task<IResult> Cancel(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        devices.Cancel(account);
        return Task.FromResult<IResult>(requests.ToCard(account));
    }
}

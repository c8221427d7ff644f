using System.CommandLine;
using Exporter.Accounts;

namespace Exporter;

/// <summary>The commands about tokens, as the command line knows them: their arguments, options and examples.</summary>
internal static class AccountCommands
{
    public static void AddAccountCommands(this CommandLine program, IReadOnlyList<ISource> sources, Terminal terminal, TimeProvider time)
    {
        AddKeep(program, sources, terminal, time);
        AddLogin(program, terminal, time);
        AddRefresh(program, terminal, time);
        AddToken(program, terminal, time);
        AddLogout(program, terminal, time);

        var json = Switch("--json", "For programs.");
        program.Add(
            new Command("status", "Shows every account: state, expiries, next renewal, store, last error. Exit code 1 when one needs a login.") { json },
            ["exporter status", "exporter status --json | jq '.[] | select(.login_required)'"],
            (startup, result, cancellationToken) => new StatusCommand(new OneAccount(startup, terminal, time), terminal, time).RunAsync(result.GetValue(json), cancellationToken));
    }

    private static void AddKeep(CommandLine program, IReadOnlyList<ISource> sources, Terminal terminal, TimeProvider time)
    {
        var file = new Option<string>("--token-file", "-t") { Description = $"The token file; {KeepDefaults.Common.TokenFile} by default.", HelpName = "FILE" };
        var margin = new Option<int?>("--refresh-margin", "-m") { Description = $"Seconds before its end that a token is renewed; {KeepDefaults.Common.Margin.TotalSeconds} by default.", HelpName = "SECONDS" };
        var source = new Option<string>("--source") { Description = "The kind of provider, where the file's shape does not tell.", HelpName = string.Join('|', sources.Select(s => s.Name)) };
        program.AddRaw(
            new Command("keep", "Keeps tokens fresh and does nothing else. Exit code 1 when no token can be kept any more.") { file, margin, source },
            ["exporter keep", .. sources.SelectMany(s => s.Keep.Examples), "exporter keep --config exporter.yml"],
            async (result, cancellationToken) =>
            {
                var lines = new KeepLines(terminal.Error);
                var asked = new KeepRequest(result.GetValue(file), result.GetValue(margin), result.GetValue(source));
                return asked.Plan(program, result, sources, lines, time) is { } planned ? await new KeepCommand(planned, lines, Systemd.Of(program.Environment, time), time).RunAsync(cancellationToken) : ExitCode.Failed;
            });
    }

    private static void AddLogin(CommandLine program, Terminal terminal, TimeProvider time)
    {
        var (account, token) = (Account(), Switch("--token", "Paste a token instead of logging in; it is tried first."));
        var (paste, quiet) = (Switch("--paste", "Do not wait for the browser: paste the address that it ends at."), Switch("--no-browser", "Open no browser."));
        program.Add(
            new Command("login", "Logs in to an account from this terminal, and saves its token at once.") { account, token, paste, quiet },
            ["exporter login", "exporter login home --config exporter.yml", "exporter login home --paste          (the browser runs on another machine)"],
            (startup, result, cancellationToken) => new LoginCommand(new OneAccount(startup, terminal, time), terminal, LoginCommand.CallbackOf(startup), time)
                .RunAsync(result.GetValue(account), result.GetValue(token), result.GetValue(paste), !result.GetValue(quiet), cancellationToken));
    }

    private static void AddRefresh(CommandLine program, Terminal terminal, TimeProvider time)
    {
        var (account, sure) = (Account(), Switch("--yes", "Do not ask, though the token is still good.", "-y"));
        program.Add(
            new Command("refresh", "Renews an account's token now and says when the new one ends.") { account, sure },
            ["exporter refresh", "exporter refresh home --yes"],
            (startup, result, cancellationToken) => new RefreshCommand(new OneAccount(startup, terminal, time), terminal, time).RunAsync(result.GetValue(account), result.GetValue(sure), cancellationToken));
    }

    private static void AddToken(CommandLine program, Terminal terminal, TimeProvider time)
    {
        var (account, id, json) = (Account(), Switch("--id", "The identity token instead of the access token."), Switch("--json", "As an object with its expiry."));
        program.Add(
            new Command("token", "Prints an access token that is good, renewed if need be, and nothing else.") { account, id, json },
            ["curl -H \"Authorization: Bearer $(exporter token home)\" https://api.example.org/", "exporter token home --json"],
            (startup, result, cancellationToken) => new TokenCommand(new OneAccount(startup, terminal, time), terminal, time)
                .RunAsync(result.GetValue(account), result.GetValue(id), result.GetValue(json), cancellationToken));
    }

    private static void AddLogout(CommandLine program, Terminal terminal, TimeProvider time)
    {
        var (account, local, all) = (Account(), Switch("--local", "Forget it here alone; at the provider the login lives on."), Switch("--all", "Every account."));
        program.Add(
            new Command("logout", "Ends a login at the provider where that is offered, and forgets it here.") { account, local, all },
            ["exporter logout home", "exporter logout --all --local"],
            (startup, result, cancellationToken) => new LogoutCommand(new OneAccount(startup, terminal, time), terminal)
                .RunAsync(result.GetValue(account), result.GetValue(local), result.GetValue(all), cancellationToken));
    }

    public static Argument<string?> Account() =>
        new("ACCOUNT") { Arity = ArgumentArity.ZeroOrOne, Description = "The account; may be left out when there is one." };

    private static Option<bool> Switch(string name, string help, params string[] aliases) => new(name, aliases) { Description = help };
}

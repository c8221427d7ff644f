using System.Text;

namespace Exporter;

/// <summary><c>hash-password</c>: prints a bcrypt hash for <c>basic_auth_users</c> in the web configuration file.</summary>
internal static class HashPasswordCommand
{
    public static void AddTo(CommandLine program) => program.AddUnconfigured(
        new Command("hash-password", "Prints a password's bcrypt hash. Use it in basic_auth_users of the web configuration file."),
        new(CommandGroup.Tools, ["oauth-exporter hash-password", "oauth-exporter hash-password < password.txt"], []),
        (_, cancellationToken) => RunAsync(program.Terminal, cancellationToken));

    /// <summary>Reads the password from the first line of the input, or prompts for it without echo at an interactive terminal.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        var password = terminal.IsInteractive ? await PromptAsync("Password: ") : await terminal.ReadLineAsync(cancellationToken);
        if (string.IsNullOrEmpty(password))
        {
            return terminal.Fail("no password; write one line to the standard input");
        }
        if (terminal.IsInteractive && await PromptAsync("Repeat the password: ") != password)
        {
            return terminal.Fail("the passwords differ; try again");
        }
        try
        {
            await terminal.Output.WriteLineAsync(Bcrypt.Hash(password));
            return ExitCode.Done;
        }
        catch (ArgumentException)
        {
            return terminal.Fail($"a bcrypt password has at most {Bcrypt.LongestPassword} bytes and no NUL; choose a shorter one");
        }

        // Console.ReadKey cannot be canceled.
        Task<string> PromptAsync(string prompt) => Task.Run(() => Prompt(prompt, terminal.Error), cancellationToken).WaitAsync(cancellationToken);
    }

    private static string Prompt(string prompt, TextWriter error)
    {
        error.Write(prompt);
        error.Flush();
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                typed.Append(key.KeyChar);
            }
        }
        error.WriteLine();
        return typed.ToString();
    }
}

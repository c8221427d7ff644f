using System.CommandLine;
using Exporter.Accounts;
using Exporter.Web;

namespace Exporter;

/// <summary><c>exporter hash-password</c>: the bcrypt hash of a password, for <c>basic_auth_users</c> in the web configuration file.</summary>
internal static class HashPassword
{
    public static void AddHashPassword(this CommandLine program, Terminal terminal) => program.AddRaw(
        new Command("hash-password", "Prints the bcrypt hash of a password, for basic_auth_users in the web configuration file."),
        ["exporter hash-password", "exporter hash-password < password.txt"],
        (_, cancellationToken) => RunAsync(terminal, cancellationToken));

    /// <summary>The password is the input's first line; a person is asked, without showing what is typed. The output gets the hash and nothing else.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        var error = terminal.Error;
        var password = terminal.IsInteractive ? await AskAsync("Password: ") : await terminal.ReadLineAsync(cancellationToken);
        if (string.IsNullOrEmpty(password))
        {
            await error.WriteLineAsync("there is no password; write one line to the standard input");
            return ExitCode.Failed;
        }
        if (terminal.IsInteractive && await AskAsync("Once more: ") != password)
        {
            await error.WriteLineAsync("these are two different passwords; begin again");
            return ExitCode.Failed;
        }
        try
        {
            await terminal.Output.WriteLineAsync(Bcrypt.Hash(password));
            return ExitCode.Done;
        }
        catch (ArgumentException)
        {
            await error.WriteLineAsync($"bcrypt reads no more than {Bcrypt.LongestPassword} bytes of a password and stops at a NUL; choose a shorter one");
            return ExitCode.Failed;
        }

        // A console's reader does not give up by itself.
        Task<string> AskAsync(string question) => Task.Run(() => Ask(question, error), cancellationToken).WaitAsync(cancellationToken);
    }

    private static string Ask(string question, TextWriter error)
    {
        error.Write(question);
        error.Flush();
        var typed = new System.Text.StringBuilder();
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

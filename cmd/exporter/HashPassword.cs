using System.CommandLine;
using Exporter.Sources;
using Exporter.Web;

namespace Exporter;

/// <summary><c>exporter hash-password</c>: the bcrypt hash of a password, for <c>basic_auth_users</c> in the web configuration file.</summary>
internal static class HashPassword
{
    public static void AddHashPassword(this CommandLine program, Terminal terminal) => program.AddRaw(
        new Command("hash-password", "Prints the bcrypt hash of a password, for basic_auth_users in the web configuration file."),
        ["exporter hash-password", "exporter hash-password < password.txt"],
        (_, cancellation) => RunAsync(terminal.Input, terminal.Output, terminal.Error, terminal.IsInteractive, cancellation));

    /// <param name="input">The password is its first line; a terminal is asked without showing what is typed.</param>
    /// <param name="output">Gets the hash and nothing else.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(TextReader input, TextWriter output, TextWriter error, bool isInteractive, CancellationToken cancellation)
    {
        if (!Bcrypt.IsAvailable)
        {
            await error.WriteLineAsync($"{Bcrypt.Remedy}, or make the hash elsewhere with htpasswd -nBC {Bcrypt.Cost} \"\"");
            return ExitCode.Failed;
        }
        var password = isInteractive ? await AskAsync("Password: ", error) : await input.ReadLineAsync(cancellation);
        if (string.IsNullOrEmpty(password))
        {
            await error.WriteLineAsync("there is no password; write one line to the standard input");
            return ExitCode.Failed;
        }
        if (isInteractive && await AskAsync("Once more: ", error) != password)
        {
            await error.WriteLineAsync("these are two different passwords; begin again");
            return ExitCode.Failed;
        }
        try
        {
            await output.WriteLineAsync(Bcrypt.Hash(password));
            return ExitCode.Done;
        }
        catch (ArgumentException)
        {
            await error.WriteLineAsync($"bcrypt reads no more than {Bcrypt.LongestPassword} bytes of a password and stops at a NUL; choose a shorter one");
            return ExitCode.Failed;
        }
    }

    private static async Task<string> AskAsync(string question, TextWriter error)
    {
        await error.WriteAsync(question);
        await error.FlushAsync();
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
        await error.WriteLineAsync();
        return typed.ToString();
    }
}

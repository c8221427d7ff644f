using System.Diagnostics;

namespace Exporter.Accounts;

/// <summary>
/// The terminal of a command. Questions and progress go to <paramref name="Error"/>, so that <paramref name="Output"/> contains only results.
/// </summary>
/// <param name="IsInteractive">Whether the input is a terminal, so that a user can answer questions.</param>
/// <param name="Open">Opens an address in a browser; returns false if there is none.</param>
public sealed record Terminal(TextReader Input, TextWriter Output, TextWriter Error, bool IsInteractive, Func<Uri, bool> Open)
{
    private const int NarrowestWidth = 40;

    /// <summary>Wider lines are hard to read.</summary>
    private const int WidestWidth = 120;

    /// <summary>The process's own input and outputs, and the desktop's browser.</summary>
    public static Terminal Current => new(Console.In, Console.Out, Console.Error, !Console.IsInputRedirected, OpenBrowser)
    {
        Width = OutputWidth(),
        ShowsErrors = !Console.IsErrorRedirected,
    };

    /// <summary>The width of the output in columns.</summary>
    public int Width { get; init; } = TextColumns.DefaultWidth;

    /// <summary>Whether the error output is a terminal, so that nothing else adds the time to its lines.</summary>
    public bool ShowsErrors { get; init; }

    /// <summary>Reads a line; null at the end of the input. A console read cannot be canceled: at shutdown it is abandoned.</summary>
    public Task<string?> ReadLineAsync(CancellationToken cancellationToken) =>
        Task.Run(Input.ReadLine, cancellationToken).WaitAsync(cancellationToken);

    /// <summary>Prints an error.</summary>
    /// <returns>The exit code.</returns>
    public int Fail(string error, int exitCode = ExitCode.Failed)
    {
        Error.WriteLine(error);
        return exitCode;
    }

    private static int OutputWidth()
    {
        try
        {
            // A terminal without a size reports 0.
            return !Console.IsOutputRedirected && Console.WindowWidth is > 0 and var width
                ? Math.Clamp(width, NarrowestWidth, WidestWidth)
                : TextColumns.DefaultWidth;
        }
        catch (IOException)
        {
            return TextColumns.DefaultWidth;
        }
    }

    /// <summary>Uses the browser that <c>BROWSER</c> names, otherwise the desktop's.</summary>
    private static bool OpenBrowser(Uri address)
    {
        static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

        var browser = Variable("BROWSER") ?? ((Variable("DISPLAY") ?? Variable("WAYLAND_DISPLAY")) is null ? null : "xdg-open");
        // The address comes from a provider's response, so open only web pages.
        if (browser is null || address.Scheme is not ("http" or "https"))
        {
            return false;
        }
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(browser, new[] { address.AbsoluteUri }) { RedirectStandardOutput = true, RedirectStandardError = true });
            return process is not null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

using System.Diagnostics;

namespace Exporter.Accounts;

/// <summary>Where a command talks to a person. Questions and progress go to <paramref name="Error"/>, so that <paramref name="Output"/> holds results alone.</summary>
/// <param name="IsInteractive">A person can be asked: input is a terminal.</param>
/// <param name="Open">Opens an address in a browser; false where there is none.</param>
public sealed record Terminal(TextReader Input, TextWriter Output, TextWriter Error, bool IsInteractive, Func<Uri, bool> Open)
{
    /// <summary>The process's own input and outputs, and the desktop's browser.</summary>
    public static Terminal Ours => new(Console.In, Console.Out, Console.Error, !Console.IsInputRedirected, OpenBrowser);

    /// <summary>A line that a person types, or null at the end of the input. A console's reader does not give up by itself: at the end of the process it is left.</summary>
    public Task<string?> ReadLineAsync(CancellationToken cancellationToken) => Task.Run(Input.ReadLine, cancellationToken).WaitAsync(cancellationToken);

    /// <summary>The browser that <c>BROWSER</c> names, else the desktop's, if this is one.</summary>
    private static bool OpenBrowser(Uri address)
    {
        static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

        var browser = Variable("BROWSER") ?? ((Variable("DISPLAY") ?? Variable("WAYLAND_DISPLAY")) is null ? null : "xdg-open");
        // The address comes from a provider's answer: nothing but a web page is opened.
        if (browser is null || address.Scheme is not ("http" or "https"))
        {
            return false;
        }
        try
        {
            using var process = Process.Start(new ProcessStartInfo(browser, new[] { address.AbsoluteUri }) { RedirectStandardOutput = true, RedirectStandardError = true });
            return process is not null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>What a command's exit code says. The help of every command lists them.</summary>
public static class ExitCode
{
    /// <summary>What was asked for has happened.</summary>
    public const int Done = 0;

    /// <summary>A person has to do something first: mend the configuration, log in.</summary>
    public const int Failed = 1;

    /// <summary>The provider or the network does not work at the moment, or it was told to end before it was done; the same again later may succeed.</summary>
    public const int TryLater = 2;
}

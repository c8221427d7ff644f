using System.Collections.Concurrent;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>Collects the log lines of every level, as text.</summary>
internal sealed class CollectedLog : ILogger<TokenManager>, ILogger<RefreshLoop>, ILoggerFactory
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> lines = new();
    private readonly ConcurrentDictionary<string, bool> templates = new();

    /// <summary>The message templates of the log lines.</summary>
    public ICollection<string> Templates => templates.Keys;

    public IReadOnlyList<string> All => [.. lines.Select(l => l.Text)];

    public IReadOnlyList<string> At(LogLevel level) => [.. lines.Where(l => l.Level == level).Select(l => l.Text)];

    public int Count(string part) => lines.Count(l => l.Text.Contains(part, StringComparison.Ordinal));

    /// <summary>Fails when the log contains one of these texts or a useful part of one.</summary>
    public void HoldNone(params IEnumerable<string> secrets)
    {
        foreach (var secret in secrets)
        {
            Assert.DoesNotContain(lines, line => Leaks(line.Text, secret));
        }
    }

    /// <summary>Whether the text contains eight consecutive characters of a secret.</summary>
    public static bool Leaks(string text, string secret)
    {
        var window = Math.Min(8, secret.Length);
        return Enumerable.Range(0, secret.Length - window + 1).Any(at => text.Contains(secret.Substring(at, window), StringComparison.Ordinal));
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lines.Enqueue((logLevel, exception is null ? formatter(state, exception) : $"{formatter(state, exception)}\n{exception}"));
        if (state is IReadOnlyList<KeyValuePair<string, object?>> and [.., { Key: "{OriginalFormat}", Value: string template }])
        {
            templates[template] = true;
        }
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}

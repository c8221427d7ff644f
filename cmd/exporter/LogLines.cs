using System.Collections.Concurrent;
using System.Text;
using Exporter.Accounts;

namespace Exporter;

/// <summary>
/// Log lines on stderr in the form that netatmo-exporter's users know: <c>level=info msg="…"</c>. Without a time, because
/// journald and Docker put their own before it. What comes from outside is quoted, so that it cannot make lines of its own.
/// </summary>
internal sealed class LogLines(LogLevel least, TextWriter output) : ILoggerProvider
{
    /// <summary>The names are logrus', as netatmo-exporter has them.</summary>
    public static readonly Setting<LogLevel> LevelSetting = Settings.Choice("log_level", "How much is logged.",
        [
            ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warning", LogLevel.Warning), ("warn", LogLevel.Warning),
            ("error", LogLevel.Error), ("fatal", LogLevel.Critical), ("panic", LogLevel.Critical),
        ],
        flag: "--log-level", variable: "NETATMO_LOG_LEVEL", @default: "info");

    private readonly ConcurrentDictionary<string, ILogger> loggers = new();
    private readonly LogLevel least = least;
    private readonly Lock writing = new();

    public static ILoggerFactory Factory(LogLevel least, TextWriter output) =>
        LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new LogLines(least, output)));

    public ILogger CreateLogger(string categoryName) => loggers.GetOrAdd(categoryName, category => new Logger(this, category));

    public void Dispose()
    {
    }

    private void Write(LogLevel level, string message, Exception? exception)
    {
        var line = new StringBuilder("level=").Append(Word(level)).Append(" msg=");
        Quote(line, message);
        if (exception is not null)
        {
            // The trace is for whoever looks for a mistake of ours, and asked for it.
            Quote(line.Append(" error="), least <= LogLevel.Debug ? exception.ToString() : $"{exception.GetType().Name}: {exception.Message}");
        }
        lock (writing)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    private static void Quote(StringBuilder line, string text)
    {
        line.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => line.Append('\\').Append(c),
                '\n' => line.Append("\\n"),
                '\r' => line.Append("\\r"),
                '\t' => line.Append("\\t"),
                _ when char.IsControl(c) => line.Append('?'),
                _ => line.Append(c),
            };
        }
        line.Append('"');
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private sealed class Logger(LogLines lines, string category) : ILogger
    {
        private readonly LogLevel least = Least(category, lines.least);

        /// <summary>The framework tells of every request at "info", and of a start that failed at "error", which we have said better; both are there at "debug".</summary>
        private static LogLevel Least(string category, LogLevel asked) => category switch
        {
            // It tells addresses whole, and the one a login comes back to has the code in it.
            "Microsoft.AspNetCore.Hosting.Diagnostics" => asked > LogLevel.Warning ? asked : LogLevel.Warning,
            _ when asked <= LogLevel.Debug => asked,
            // Its errors are the reader's old cookies, and the page explains them.
            "Microsoft.Extensions.Hosting.Internal.Host" or "Microsoft.AspNetCore.Antiforgery.DefaultAntiforgery" => LogLevel.None,
            _ when category.StartsWith("Microsoft.", StringComparison.Ordinal) => asked > LogLevel.Warning ? asked : LogLevel.Warning,
            _ => asked,
        };

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lines.Write(logLevel, formatter(state, exception), exception);
            }
        }
    }
}

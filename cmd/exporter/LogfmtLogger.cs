using System.Globalization;
using System.Text;

namespace Exporter;

/// <summary>
/// Writes log lines in logfmt, as netatmo-exporter does: <c>level=info msg="…"</c>. Lines have a time only on a terminal, because journald
/// and Docker add one. Messages are quoted, so that external text cannot forge a line. Safe for concurrent use.
/// </summary>
/// <param name="time">The clock of the lines; null for lines without a time.</param>
internal sealed class LogfmtLogger(TextWriter output, bool stackTraces, TimeProvider? time) : ILoggerProvider, ILogger
{
    /// <summary>The names of logrus, which netatmo-exporter uses. Log lines have the first name of their level.</summary>
    private static readonly (string Name, LogLevel Level)[] Levels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("info", LogLevel.Information),
        ("warning", LogLevel.Warning), ("warn", LogLevel.Warning), ("error", LogLevel.Error),
        ("fatal", LogLevel.Critical), ("panic", LogLevel.Critical),
    ];

    public static readonly Setting<LogLevel> LevelSetting = Settings.Choice(
        "log_level", "The minimum level of log lines.", Levels, flag: "--log-level", variable: "NETATMO_LOG_LEVEL", @default: "info");

    private readonly Lock writeLock = new();

    /// <param name="time">The clock of the lines; null for lines without a time.</param>
    public static ILoggerFactory CreateFactory(LogLevel minimumLevel, TextWriter output, TimeProvider? time = null) =>
        LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Trace)
        .AddFilter((category, level) => level >= MinimumLevel(category ?? "", minimumLevel))
        .AddProvider(new LogfmtLogger(output, stackTraces: minimumLevel <= LogLevel.Debug, time)));

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var timestamp = time is null ? "" : $"time={Timestamp(time)} ";
        var line = $"{timestamp}level={Array.Find(Levels, known => known.Level == logLevel).Name} msg={Quote(formatter(state, exception))}";
        if (exception is not null)
        {
            line += $" error={Quote(stackTraces ? exception.ToString() : $"{exception.GetType().Name}: {exception.Message}")}";
        }
        lock (writeLock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    public void Dispose()
    {
    }

    /// <summary>The local time of this moment by RFC 3339: <c>2026-11-21T13:00:00+01:00</c>.</summary>
    public static string Timestamp(TimeProvider time) => time.GetLocalNow().ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    /// <summary>Limits the framework's log lines unless the configured level is debug.</summary>
    private static LogLevel MinimumLevel(string category, LogLevel configured) => category switch
    {
        // It logs full request addresses, and that of a login callback contains the authorization code.
        "Microsoft.AspNetCore.Hosting.Diagnostics" => configured > LogLevel.Warning ? configured : LogLevel.Warning,
        _ when configured <= LogLevel.Debug => configured,
        // The program reports a failed start itself, and the page explains an expired antiforgery cookie.
        "Microsoft.Extensions.Hosting.Internal.Host" or "Microsoft.AspNetCore.Antiforgery.DefaultAntiforgery" => LogLevel.None,
        _ when category.StartsWith("Microsoft.", StringComparison.Ordinal) => configured > LogLevel.Warning ? configured : LogLevel.Warning,
        _ => configured,
    };

    private static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                _ => quoted.Append(char.IsControl(c) ? '?' : c),
            };
        }
        return quoted.Append('"').ToString();
    }
}

namespace Exporter;

/// <summary>
/// The log of <c>keep</c>, in the form of the daemon that it replaces: <c>[warn] …</c>. It also writes warnings and errors of token
/// managers, except failed renewals, which the command reports itself. Safe for concurrent use.
/// </summary>
/// <param name="time">The clock of the lines; null for lines without a time, because journald adds one.</param>
internal sealed class KeepLog(TextWriter output, TimeProvider? time = null) : ILoggerProvider, ILogger
{
    private readonly Lock writeLock = new();

    public void Info(string message) => Write("info", message);

    public void Warn(string message) => Write("warn", message);

    public void Error(string message) => Write("error", message);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel) && eventId != TokenEvents.RenewalFailed)
        {
            Write(logLevel == LogLevel.Warning ? "warn" : "error", formatter(state, exception));
        }
    }

    public void Dispose()
    {
    }

    private void Write(string level, string message)
    {
        lock (writeLock)
        {
            var timestamp = time is null ? "" : $"{LogfmtLogger.Timestamp(time)} ";
            output.WriteLine($"{timestamp}[{level}] {string.Concat(message.Select(c => char.IsControl(c) ? ' ' : c))}");
            output.Flush();
        }
    }
}

using System.Runtime.CompilerServices;

namespace Exporter.Web;

/// <summary>
/// Permits one login attempt for an account at a time, and after failures fewer and fewer. Junk requests then cannot exhaust the client ID of
/// the account at the provider. Safe for concurrent use.
/// </summary>
internal sealed class LoginAttempts(TimeProvider time)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly ConditionalWeakTable<Account, Attempts> accounts = [];

    /// <summary>Starts an attempt. Null if <paramref name="wait"/> must pass first.</summary>
    public LoginAttempt? TryBegin(Account account, out TimeSpan wait)
    {
        lock (gate)
        {
            var attempts = accounts.GetOrCreateValue(account);
            wait = attempts.Wait - time.GetElapsedTime(attempts.EndedAt);
            if (attempts.IsRunning || wait > TimeSpan.Zero)
            {
                wait = wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1);
                return null;
            }
            attempts.IsRunning = true;
            return new LoginAttempt(succeeded => End(attempts, succeeded));
        }
    }

    private void End(Attempts attempts, bool? succeeded)
    {
        lock (gate)
        {
            attempts.IsRunning = false;
            if (succeeded is { } ended)
            {
                attempts.Failures = ended ? 0 : attempts.Failures + 1;
                attempts.EndedAt = time.GetTimestamp();
            }
        }
    }

    private sealed class Attempts
    {
        public bool IsRunning { get; set; }

        public int Failures { get; set; }

        public long EndedAt { get; set; }

        /// <summary>1, 2, 4 and so on up to 60 seconds.</summary>
        public TimeSpan Wait =>
            Failures == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, Math.Pow(2, Math.Min(Failures, 10) - 1)));
    }
}

/// <summary>An attempt that blocks others until it is disposed of.</summary>
internal sealed class LoginAttempt(Action<bool?> end) : IDisposable
{
    /// <summary>Whether the provider accepted it. Null if nothing was sent, which counts as neither.</summary>
    public bool? Succeeded { get; set; }

    public void Dispose() => end(Succeeded);
}

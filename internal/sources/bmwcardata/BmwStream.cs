using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// Keeps a connection to BMW's stream. A connection lives as long as the id token that it was opened with, so a new token means a new
/// connection, before the old token ends. The token manager owns the token: here it is read, and asked for anew when the server refuses it.
/// </summary>
internal sealed class BmwStream(string account, BmwCarDataOptions options, TokenManager manager, TimeProvider time, ILogger logger)
{
    /// <summary>BMW counts connects per minute and address.</summary>
    public static readonly TimeSpan BetweenConnects = TimeSpan.FromSeconds(10);

    /// <summary>For the server to have done with a connection that we ended.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>A connection that lasted so long was a good one.</summary>
    private static readonly TimeSpan Good = TimeSpan.FromMinutes(1);

    /// <summary>A fresh token is asked for no more often, for a refusal may have another reason.</summary>
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromMinutes(5);

    /// <summary>Clocks step and machines sleep, so no wait is longer in one piece.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LongSilence = TimeSpan.FromHours(24);

    private readonly ILogger mqttLogger = options.MqttLogging ? new LoudLogger(logger) : logger;
    private BmwStreamState state = new();
    private long? lastConnect;
    private long? lastRenewal;
    private long lastMessage;
    private int failures;

    public Random Random { get; init; } = Random.Shared;

    /// <summary>Stays connected until <paramref name="cancellationToken"/>. One caller at a time.</summary>
    /// <param name="take">Every message, one after the other; must not fail.</param>
    /// <param name="tell">Every change of the state.</param>
    public async Task RunAsync(Action<MqttMessage> take, Action<BmwStreamState> tell, CancellationToken cancellationToken)
    {
        lastMessage = time.GetTimestamp();
        try
        {
            while (true)
            {
                var credentials = await CredentialsAsync(tell, cancellationToken);
                var began = time.GetTimestamp();
                var verdict = await TrySessionAsync(credentials, take, tell, cancellationToken);
                await PauseAsync(verdict, credentials, began, tell, cancellationToken);
            }
        }
        finally
        {
            tell(state = state with { Connected = false, NextTry = null });
        }
    }

    private async Task<BmwCredentials> CredentialsAsync(Action<BmwStreamState> tell, CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            var held = manager.Snapshot.State;
            var (credentials, failure) = BmwCredentials.Of(held, time.GetUtcNow());
            if (credentials is not null)
            {
                return credentials;
            }
            if (failure is ApiFailure.TokenRefused && held is TokenState.Active && await RenewedAsync(held.Token?.IdToken, held.Token?.AccessToken, cancellationToken))
            {
                continue;
            }
            if (state.Failure?.Kind != failure!.Kind)
            {
                // A token manager without a token has said so itself.
                logger.Log(failure is ApiFailure.NoToken ? LogLevel.Debug : LogLevel.Error, "account {Account}: {Reason}", account, failure.Reason);
                tell(state = state with { Failure = failure, NextTry = null });
            }
            await WaitAsync(Deadline.Of(time.GetUtcNow() + Step, time), [changed], cancellationToken);
        }
    }

    private async Task<BmwFailure> TrySessionAsync(BmwCredentials credentials, Action<MqttMessage> take, Action<BmwStreamState> tell, CancellationToken cancellationToken)
    {
        try
        {
            return await SessionAsync(credentials, take, tell, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogError("account {Account}: the stream failed in a way that was not foreseen ({Kind} {Place})", account, e.GetType().Name, Sanitize.Line(e.StackTrace?.Split('\n')[0].Trim() ?? ""));
            return new BmwFailure.Passing("protocol", $"the stream failed in a way that was not foreseen ({e.GetType().Name})");
        }
    }

    /// <summary>From CONNECT to the end of the connection, and what that means.</summary>
    private async Task<BmwFailure> SessionAsync(BmwCredentials credentials, Action<MqttMessage> take, Action<BmwStreamState> tell, CancellationToken cancellationToken)
    {
        lastConnect = time.GetTimestamp();
        tell(state = state with { LastTry = time.GetUtcNow(), NextTry = null });
        var (connected, failure) = await MqttConnection.ConnectAsync(credentials.Mqtt(options), Taken, time, mqttLogger, cancellationToken);
        if (connected is null)
        {
            return Failed(failure!);
        }
        await using var connection = connected;
        if (await connection.SubscribeAsync(credentials.Topics(options), cancellationToken) is { } refused)
        {
            return Failed(refused);
        }
        logger.Log(state.Failure is null && state.Connects.ContainsKey("accepted") ? LogLevel.Debug : LogLevel.Information, "account {Account}: BMW's stream is connected", account);
        tell(state = state with { Connected = true, Failure = null, Connects = BmwStreamState.Counted(state.Connects, "accepted") });
        var verdict = await WatchAsync(connection, credentials, cancellationToken);
        tell(state = state with { Connected = false, Disconnects = BmwStreamState.Counted(state.Disconnects, verdict.Word) });
        return verdict;

        void Taken(MqttMessage message)
        {
            Volatile.Write(ref lastMessage, time.GetTimestamp());
            take(message);
        }

        BmwFailure Failed(BmwFailure why)
        {
            state = state with { Connects = BmwStreamState.Counted(state.Connects, why.Word) };
            return why;
        }
    }

    /// <summary>Until the connection ends, or the token manager has another id token.</summary>
    private async Task<BmwFailure> WatchAsync(MqttConnection connection, BmwCredentials credentials, CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            if (connection.Ended.IsCompleted)
            {
                return await connection.Ended;
            }
            if (BmwCredentials.Of(manager.Snapshot.State, time.GetUtcNow()).Found is { } current && !current.IdToken.Equals(credentials.IdToken))
            {
                return BmwFailure.NewToken;
            }
            if (time.GetElapsedTime(Volatile.Read(ref lastMessage)) >= LongSilence)
            {
                // The server answers our pings, so that it is not the stream.
                logger.LogInformation("account {Account}: BMW's stream is connected, and no car has said anything for a day: they sleep, or no data is chosen in the portal", account);
                Volatile.Write(ref lastMessage, time.GetTimestamp());
            }
            await WaitAsync(Deadline.Of(time.GetUtcNow() + Step, time), [changed, connection.Ended], cancellationToken);
        }
    }

    /// <summary>Until it is time to connect again; a new token ends a pause that a token may mend.</summary>
    private async Task PauseAsync(BmwFailure verdict, BmwCredentials refused, long began, Action<BmwStreamState> tell, CancellationToken cancellationToken)
    {
        failures = verdict is BmwFailure.Expected ? 0 : time.GetElapsedTime(began) > Good ? 1 : failures + 1;
        var fresh = verdict is BmwFailure.TokenRefused && await RenewedAsync(refused.IdToken, refused.AccessToken, cancellationToken);
        var wait = fresh ? TimeSpan.Zero : verdict switch
        {
            BmwFailure.Expected => Settling,
            BmwFailure.Passing => After(0, 5, 300),
            BmwFailure.TokenRefused => After(30, 30, 3600),
            BmwFailure.Limited => After(60, 30, 900),
            BmwFailure.TakenOver => After(600, 60, 3600),
            BmwFailure.Refused => After(300, 60, 3600),
            _ => throw new InvalidOperationException("a connection ends in no other way"),
        };
        var least = BetweenConnects - time.GetElapsedTime(lastConnect!.Value);
        var next = time.GetUtcNow() + (wait > least ? wait : least);
        if (verdict.Failure is { } failure)
        {
            logger.Log(verdict is BmwFailure.Passing && failures < 3 ? LogLevel.Warning : LogLevel.Error,
                "account {Account}: there is no stream, trying again at {Next:u}: {Reason}", account, next, failure.Reason);
            state = state with { Failures = BmwStreamState.Counted(state.Failures, failure.Kind) };
        }
        tell(state = state with { Failure = verdict.Failure, NextTry = next });
        for (var pause = Deadline.Of(next, time); pause.Left(time) > TimeSpan.Zero;)
        {
            var changed = manager.Changed;
            var mended = verdict is BmwFailure.TokenRefused or BmwFailure.Refused && !refused.IdToken.Equals(manager.Snapshot.State.Token?.IdToken);
            var enough = Deadline.Of(time.GetUtcNow() + BetweenConnects - time.GetElapsedTime(lastConnect.Value), time);
            if (mended && enough.Left(time) <= TimeSpan.Zero)
            {
                return;
            }
            await WaitAsync(mended && enough.Left(time) < pause.Left(time) ? enough : pause, [changed], cancellationToken);
        }
    }

    private TimeSpan After(double least, double first, double longest) =>
        TimeSpan.FromSeconds(least) + new Backoff(TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(longest)).After(failures, Random);

    /// <summary>Asks the token manager for a fresh token in the place of one that is refused; whether there is another now.</summary>
    private async Task<bool> RenewedAsync(Secret? idToken, Secret? accessToken, CancellationToken cancellationToken)
    {
        if (Equals(manager.Snapshot.State.Token?.IdToken, idToken) && !(lastRenewal is { } last && time.GetElapsedTime(last) < BetweenRenewals))
        {
            lastRenewal = time.GetTimestamp();
            await manager.RenewAsync(accessToken, cancellationToken);
        }
        return !Equals(manager.Snapshot.State.Token?.IdToken, idToken);
    }

    /// <summary>Until the pause is over, a minute at most, or one of the others.</summary>
    private async Task WaitAsync(Deadline pause, IEnumerable<Task> others, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var delay = Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(pause.Left(time).TotalMilliseconds), 0, Step.TotalMilliseconds)), time, done.Token);
        // The machine may have slept between the look at the clock and the timer.
        if (pause.Left(time) > TimeSpan.Zero)
        {
            await Task.WhenAny([delay, .. others]);
        }
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>What is only told at debug level, told: a user has asked for it.</summary>
    private sealed class LoudLogger(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(Loud(logLevel));

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            inner.Log(Loud(logLevel), eventId, state, exception, formatter);

        private static LogLevel Loud(LogLevel level) => level == LogLevel.Debug ? LogLevel.Information : level;
    }
}

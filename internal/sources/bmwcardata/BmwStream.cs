using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// Keeps a connection to BMW's stream. The server closes a connection when its ID token expires, so a renewed token opens a new connection
/// before that. The stream asks the token manager for a renewal if the server rejects the token.
/// </summary>
internal sealed class BmwStream(string account, BmwCarDataOptions options, TokenManager manager, TimeProvider time, ILogger logger)
{
    /// <summary>BMW counts connections per minute and address.</summary>
    public static readonly TimeSpan BetweenConnects = TimeSpan.FromSeconds(10);

    /// <summary>The time in which the server removes a connection that the exporter closed.</summary>
    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromSeconds(2);

    /// <summary>A connection that lasted this long resets the back-off.</summary>
    private static readonly TimeSpan StableConnection = TimeSpan.FromMinutes(1);

    /// <summary>Limits forced renewals, because a rejection can have another cause than the token.</summary>
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongSilence = TimeSpan.FromHours(24);

    private BmwStreamState state = new();
    private Action<MqttMessage> onMessage = _ => { };
    private Action<BmwStreamState> onState = _ => { };
    private long lastConnect;
    private long? lastRenewal;
    private long lastMessage;
    private int failures;
    private bool hasConnected;

    public Random Random { get; init; } = Random.Shared;

    /// <summary>Stays connected until cancellation. Not for concurrent calls.</summary>
    /// <param name="before">Of the process that this one continues. Its counts continue.</param>
    /// <param name="onMessage">Called for each message in order; must not throw.</param>
    /// <param name="onState">Called at every change of the state.</param>
    public async Task RunAsync(
        BmwStreamState before, Action<MqttMessage> onMessage, Action<BmwStreamState> onState, CancellationToken cancellationToken)
    {
        (this.onMessage, this.onState, lastMessage) = (onMessage, onState, time.GetTimestamp());
        try
        {
            // A process that was killed could not say that it is disconnected.
            Set(before with { Connected = false, NextTry = null });
            while (true)
            {
                var credentials = await CredentialsAsync(cancellationToken);
                lastConnect = time.GetTimestamp();
                await WaitForReconnectAsync(await TryConnectionAsync(credentials, cancellationToken), credentials, cancellationToken);
            }
        }
        finally
        {
            Set(state with { Connected = false, NextTry = null });
        }
    }

    private void Set(BmwStreamState next) => onState(state = next);

    private async Task<BmwCredentials> CredentialsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            var tokenState = manager.Snapshot.State;
            var (credentials, failure) = BmwCredentials.From(tokenState, time.GetUtcNow());
            if (credentials is not null)
            {
                return credentials;
            }
            if (failure is ApiFailure.TokenRefused && tokenState is TokenState.Active
                && await RenewAsync(tokenState.Token?.IdToken, tokenState.Token?.AccessToken, cancellationToken))
            {
                continue;
            }
            if (state.Failure?.Kind != failure!.Kind)
            {
                // The token manager logs a missing token itself.
                logger.Log(failure is ApiFailure.NoToken ? LogLevel.Debug : LogLevel.Error, "account {Account}: {Reason}", account, failure.Reason);
                Set(state with { Failure = failure, NextTry = null });
            }
            await Deadline.Of(time.GetUtcNow() + Deadline.LongestWait, time).WaitAsync(time, [changed], cancellationToken);
        }
    }

    private async Task<ConnectionEnd> TryConnectionAsync(BmwCredentials credentials, CancellationToken cancellationToken)
    {
        try
        {
            return await RunConnectionAsync(credentials, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var location = Sanitize.Line(e.StackTrace?.Split('\n')[0].Trim() ?? "");
            logger.LogError("account {Account}: the stream failed unexpectedly ({Exception} {Location})", account, e.GetType().Name, location);
            return ConnectionEnd.Protocol($"the stream failed unexpectedly ({e.GetType().Name})");
        }
    }

    private async Task<ConnectionEnd> RunConnectionAsync(BmwCredentials credentials, CancellationToken cancellationToken)
    {
        Set(state with { LastTry = time.GetUtcNow(), NextTry = null });
        var (connected, failure) = await MqttConnection.ConnectAsync(credentials.Mqtt(options), OnMessage, time, logger, cancellationToken);
        if (connected is null)
        {
            state = state.CountConnect(failure!.Label);
            return failure;
        }
        await using var connection = connected;
        if (await connection.SubscribeAsync(credentials.Topics(options), cancellationToken) is { } rejected)
        {
            state = state.CountConnect(rejected.Label);
            return rejected;
        }
        logger.Log(state.Failure is null && hasConnected ? LogLevel.Debug : LogLevel.Information,
            "account {Account}: connected to BMW's stream", account);
        hasConnected = true;
        Set(state.CountConnect("accepted") with { Connected = true, Failure = null });
        var end = await WatchAsync(connection, credentials, cancellationToken);
        Set(state.CountDisconnect(end.Label) with { Connected = false });
        return end;

        void OnMessage(MqttMessage message)
        {
            Volatile.Write(ref lastMessage, time.GetTimestamp());
            onMessage(message);
        }
    }

    /// <summary>Completes when the connection ends or the token manager has a new ID token.</summary>
    private async Task<ConnectionEnd> WatchAsync(MqttConnection connection, BmwCredentials credentials, CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            if (connection.Ended.IsCompleted)
            {
                return await connection.Ended;
            }
            var current = BmwCredentials.From(manager.Snapshot.State, time.GetUtcNow()).Credentials;
            if (current is not null && !current.IdToken.Equals(credentials.IdToken))
            {
                return ConnectionEnd.NewToken;
            }
            if (time.GetElapsedTime(Volatile.Read(ref lastMessage)) >= LongSilence)
            {
                // The connection works, because the server responds to pings.
                logger.LogInformation(
                    "account {Account}: no car has sent a message for a day. The cars sleep, or no data is selected in BMW's portal", account);
                Volatile.Write(ref lastMessage, time.GetTimestamp());
            }
            var deadline = Deadline.Of(time.GetUtcNow() + Deadline.LongestWait, time);
            await deadline.WaitAsync(time, [changed, connection.Ended], cancellationToken);
        }
    }

    /// <summary>Waits until the next attempt, or until there is a new token after a rejection.</summary>
    private async Task WaitForReconnectAsync(ConnectionEnd end, BmwCredentials used, CancellationToken cancellationToken)
    {
        failures = end.Failure is null ? 0 : time.GetElapsedTime(lastConnect) > StableConnection ? 1 : failures + 1;
        var renewed = end.Failure is ApiFailure.TokenRefused && await RenewAsync(used.IdToken, used.AccessToken, cancellationToken);
        var wait = renewed ? TimeSpan.Zero : end.Failure switch
        {
            null => ReconnectDelay,
            ApiFailure.TokenRefused => Delay(30, 30, 3600),
            ApiFailure.RateLimited => Delay(60, 30, 900),
            ApiFailure.Rejected => end.Label == ConnectionEnd.TakenOver ? Delay(600, 60, 3600) : Delay(300, 60, 3600),
            _ => Delay(0, 5, 300),
        };
        var least = BetweenConnects - time.GetElapsedTime(lastConnect);
        var earliest = Deadline.Of(time.GetUtcNow() + least, time);
        var next = time.GetUtcNow() + (wait > least ? wait : least);
        if (end.Failure is { } failure)
        {
            logger.Log(failure is ApiFailure.Unavailable && failures < 3 ? LogLevel.Warning : LogLevel.Error,
                "account {Account}: the stream is disconnected, next attempt at {Next:u}: {Reason}", account, next, failure.Reason);
            state = state.CountFailure(failure.Kind);
        }
        Set(state with { Failure = end.Failure, NextTry = next });
        var needsToken = end.Failure is ApiFailure.TokenRefused or ApiFailure.Rejected && end.Label != ConnectionEnd.TakenOver;
        for (var deadline = Deadline.Of(next, time); !deadline.IsDue(time);)
        {
            var changed = manager.Changed;
            if (needsToken && !used.IdToken.Equals(manager.Snapshot.State.Token?.IdToken))
            {
                deadline = earliest;
            }
            await deadline.WaitAsync(time, [changed], cancellationToken);
        }
    }

    private TimeSpan Delay(double least, double first, double longest) =>
        TimeSpan.FromSeconds(least) + new Backoff(TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(longest)).After(failures, Random);

    /// <summary>Renews the token unless it was replaced meanwhile. Returns whether there is a new ID token.</summary>
    private async Task<bool> RenewAsync(Secret? idToken, Secret? accessToken, CancellationToken cancellationToken)
    {
        if (Equals(manager.Snapshot.State.Token?.IdToken, idToken) && !(lastRenewal is { } last && time.GetElapsedTime(last) < BetweenRenewals))
        {
            lastRenewal = time.GetTimestamp();
            await manager.RenewAsync(accessToken, cancellationToken);
        }
        return !Equals(manager.Snapshot.State.Token?.IdToken, idToken);
    }
}

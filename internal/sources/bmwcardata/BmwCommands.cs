using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.BmwCarData;

/// <summary>The commands of the CarData streaming client: print the stream, or print its credentials.</summary>
internal sealed class BmwCommands(BmwCarDataOptions options, TokenManager manager, BmwStream stream)
{
    private static readonly SourceCommand StreamCommand = new(
        ["bmw-cardata", "stream"], "Print each message of the cars as a line of JSON, until you stop the command.")
    {
        Examples = ["oauth-exporter bmw-cardata stream", "oauth-exporter bmw-cardata stream | jq .data"],
        Settings = [BmwCarDataOptions.ClientIdSetting, BmwCarDataOptions.TokenFileSetting],
    };

    private static readonly SourceCommand CredentialsCommand = new(
        ["credentials"], "Print the credentials of BMW's stream. Each new password follows, for another MQTT client.")
    {
        Options = [new("--json", "Print a line of JSON for each password."), new("--once", "Print once and exit.")],
        Examples = ["oauth-exporter credentials", "oauth-exporter credentials --json --once"],
        Settings = [BmwCarDataOptions.ClientIdSetting, BmwCarDataOptions.TokenFileSetting],
    };

    /// <summary>Programs read the output, not browsers, so plus signs need no escape.</summary>
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string Rule = new('=', 60);

    public static IReadOnlyList<SourceCommand> All { get; } = [StreamCommand, CredentialsCommand];

    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Handlers =>
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>
        {
            [StreamCommand] = LoggedIn(StreamAsync),
            [CredentialsCommand] = LoggedIn(CredentialsAsync),
        };

    private static Func<CommandCall, CancellationToken, Task<int>> LoggedIn(Func<CommandCall, CancellationToken, Task<int>> run) =>
        async (call, cancellationToken) =>
            await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code ? code : await run(call, cancellationToken);

    private async Task<int> StreamAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var error = call.Terminal.Error;
        error.WriteLine(
            "BMW allows one connection for each account: this command disconnects a running exporter, which reconnects some minutes later.");
        return await RunWithRenewalAsync(call, async stopping =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            BmwStreamState? before = null;
            await stream.RunAsync(new BmwStreamState(), Print, Report, stop.Token);

            void Print(MqttMessage message)
            {
                try
                {
                    call.Terminal.Output.WriteLine(Compact(message));
                }
                catch (IOException)
                {
                    // The reader of the pipe has exited.
                    stop.Cancel();
                }
            }

            void Report(BmwStreamState state)
            {
                if (state.Connected && before is not { Connected: true })
                {
                    error.WriteLine($"Connected to {options.MqttHost}:{options.MqttPort}.");
                }
                else if (state.Failure is { } failure && !ReferenceEquals(failure, before?.Failure))
                {
                    error.WriteLine(state.NextTry is { } next ? $"{failure.Reason}; next attempt at {next:u}." : $"{failure.Reason}.");
                }
                before = state;
            }
        }, cancellationToken);
    }

    private async Task<int> CredentialsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (credentials, failure) = BmwCredentials.From(manager.Snapshot.State, call.Time.GetUtcNow());
        if (failure is ApiFailure.TokenRefused)
        {
            // The ID token can expire before the access token.
            await manager.RenewAsync(manager.Snapshot.State.Token?.AccessToken, cancellationToken);
            (credentials, failure) = BmwCredentials.From(manager.Snapshot.State, call.Time.GetUtcNow());
        }
        if (credentials is null)
        {
            call.Terminal.Error.WriteLine($"{failure!.Reason}.");
            return failure is ApiFailure.TokenRefused or ApiFailure.NoToken ? ExitCode.TryLater : ExitCode.Failed;
        }
        Print(call, credentials, first: true);
        return call.Has("--once") ? ExitCode.Done : await RunWithRenewalAsync(call, async stopping =>
        {
            while (true)
            {
                var changed = manager.Changed;
                var next = BmwCredentials.From(manager.Snapshot.State, call.Time.GetUtcNow()).Credentials;
                if (next is not null && !next.IdToken.Equals(credentials.IdToken))
                {
                    Print(call, credentials = next, first: false);
                }
                await changed.WaitAsync(stopping);
            }
        }, cancellationToken);
    }

    /// <summary>Runs the work and renews the token meanwhile, until cancellation or until the login is lost.</summary>
    private async Task<int> RunWithRenewalAsync(CommandCall call, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = new RefreshLoop([manager], call.Time, NullLogger<RefreshLoop>.Instance).RunAsync(stop.Token);
        var working = work(stop.Token);
        try
        {
            while (!working.IsCompleted)
            {
                var changed = manager.Changed;
                if (manager.Snapshot.State is TokenState.Lost(_, var reason, _))
                {
                    return call.Terminal.Fail($"The login is lost: {reason}; log in again.");
                }
                await Task.WhenAny(working, changed);
            }
            await working;
            return ExitCode.Done;
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAny(working);
            await renewing;
        }
    }

    private void Print(CommandCall call, BmwCredentials credentials, bool first)
    {
        var output = call.Terminal.Output;
        if (call.Has("--json"))
        {
            output.WriteLine(ToJson(credentials));
            return;
        }
        if (first)
        {
            output.WriteLine($"""
                MQTT Connection Information
                {Rule}
                Host: {options.MqttHost}
                Port: {options.MqttPort}
                Username: {credentials.Gcid}
                {string.Join('\n', credentials.Topics(options).Select(topic => $"Topic: {topic}"))}
                {Rule}
                """);
        }
        output.WriteLine($"{(first ? "Password" : "Updated Password")}: {credentials.IdToken.Reveal()}");
        output.WriteLine(credentials.ExpiresAt is { } at ? $"Expires: {at:u}" : "Expires: unknown");
    }

    private string ToJson(BmwCredentials credentials)
    {
        var result = new JsonObject
        {
            ["host"] = options.MqttHost,
            ["port"] = options.MqttPort,
            ["username"] = credentials.Gcid,
            ["topics"] = new JsonArray([.. credentials.Topics(options).Select(topic => JsonValue.Create(topic))]),
            ["password"] = credentials.IdToken.Reveal(),
        };
        if (credentials.ExpiresAt is { } at)
        {
            result["expires_at"] = at.UtcDateTime;
        }
        return result.ToJsonString(Unescaped);
    }

    /// <summary>The message on one line; a message that is not JSON becomes a JSON string.</summary>
    private static string Compact(MqttMessage message)
    {
        try
        {
            return JsonNode.Parse(message.Payload.Span)?.ToJsonString(Unescaped) ?? "null";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return JsonValue.Create(Encoding.UTF8.GetString(message.Payload.Span)).ToJsonString(Unescaped);
        }
    }
}

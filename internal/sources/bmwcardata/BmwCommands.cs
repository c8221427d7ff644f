using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.BmwCarData;

/// <summary>What the CarData streaming client did in a terminal: print the stream, or print what opens it.</summary>
internal sealed class BmwCommands(BmwCarDataOptions options, TokenManager manager, BmwStream stream)
{
    private static readonly SourceCommand StreamCommand = new(["bmw-cardata", "stream"], "Print what the cars send, a line of JSON for each message, until it is told to end.")
    {
        Examples = ["exporter bmw-cardata stream", "exporter bmw-cardata stream | jq .data"],
    };

    private static readonly SourceCommand CredentialsCommand = new(["credentials"], "Print what opens BMW's stream, for another MQTT client, and each new password as it comes.")
    {
        Options = [new("--json", "Print a line of JSON for each password."), new("--once", "Print once and end.")],
        Examples = ["exporter credentials", "exporter credentials --json --once"],
    };

    /// <summary>Members of <c>--json</c> are for programs; a browser never reads them, and a token keeps its plus signs.</summary>
    private static readonly JsonWriterOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string Rule = new('=', 60);

    public static IReadOnlyList<SourceCommand> All { get; } = [StreamCommand, CredentialsCommand];

    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Run => new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>
    {
        [StreamCommand] = StreamAsync,
        [CredentialsCommand] = CredentialsAsync,
    };

    private async Task<int> StreamAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code)
        {
            return code;
        }
        var error = call.Terminal.Error;
        error.WriteLine("BMW has one connection for an account: this takes the stream from a running exporter, which takes it back some minutes after this ends.");
        return await KeptAsync(call, async until =>
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(until);
            BmwStreamState? before = null;
            await stream.RunAsync(Print, Tell, end.Token);

            void Print(MqttMessage message)
            {
                try
                {
                    call.Terminal.Output.WriteLine(Compact(message));
                }
                catch (IOException)
                {
                    // Whoever read us has ended.
                    end.Cancel();
                }
            }

            void Tell(BmwStreamState state)
            {
                if (state.Connected && before is not { Connected: true })
                {
                    error.WriteLine($"Connected to {options.MqttHost}:{options.MqttPort}.");
                }
                else if (state.Failure is { } failure && !ReferenceEquals(failure, before?.Failure))
                {
                    error.WriteLine(state.NextTry is { } next ? $"{failure.Reason}; trying again at {next:u}." : $"{failure.Reason}.");
                }
                before = state;
            }
        }, cancellationToken);
    }

    private async Task<int> CredentialsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code)
        {
            return code;
        }
        var (found, failure) = BmwCredentials.Of(manager.Snapshot.State, call.Time.GetUtcNow());
        if (failure is ApiFailure.TokenRefused)
        {
            // The access token lives on, and its id token does not.
            await manager.RenewAsync(manager.Snapshot.State.Token?.AccessToken, cancellationToken);
            (found, failure) = BmwCredentials.Of(manager.Snapshot.State, call.Time.GetUtcNow());
        }
        if (found is null)
        {
            call.Terminal.Error.WriteLine($"{failure!.Reason}.");
            return failure is ApiFailure.TokenRefused or ApiFailure.NoToken ? ExitCode.TryLater : ExitCode.Failed;
        }
        Print(call, found, first: true);
        return call.Has("--once") ? ExitCode.Done : await KeptAsync(call, async until =>
        {
            var printed = found;
            while (true)
            {
                var changed = manager.Changed;
                if (BmwCredentials.Of(manager.Snapshot.State, call.Time.GetUtcNow()).Found is { } next && !next.IdToken.Equals(printed.IdToken))
                {
                    Print(call, printed = next, first: false);
                }
                await changed.WaitAsync(until);
            }
        }, cancellationToken);
    }

    /// <summary>Does the work while the token is kept fresh, until it is told to end or the login is lost.</summary>
    private async Task<int> KeptAsync(CommandCall call, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var loop = new RefreshLoop([manager], call.Time, NullLogger.Instance).RunAsync(end.Token);
        var working = work(end.Token);
        try
        {
            while (!working.IsCompleted)
            {
                var changed = manager.Changed;
                if (manager.Snapshot.State is TokenState.Lost(_, var reason, _))
                {
                    call.Terminal.Error.WriteLine($"The login is lost: {reason}; log in again.");
                    return ExitCode.Failed;
                }
                await Task.WhenAny(working, changed);
            }
            await working;
            return ExitCode.Done;
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAny(working);
            await loop;
        }
    }

    private void Print(CommandCall call, BmwCredentials credentials, bool first)
    {
        var output = call.Terminal.Output;
        if (call.Has("--json"))
        {
            output.WriteLine(Json(credentials));
            return;
        }
        if (first)
        {
            output.WriteLine("MQTT Connection Information");
            output.WriteLine(Rule);
            output.WriteLine($"Host: {options.MqttHost}");
            output.WriteLine($"Port: {options.MqttPort}");
            output.WriteLine($"Username: {credentials.Gcid}");
            foreach (var topic in credentials.Topics(options))
            {
                output.WriteLine($"Topic: {topic}");
            }
            output.WriteLine(Rule);
        }
        output.WriteLine($"{(first ? "Password" : "Updated Password")}: {credentials.IdToken.Reveal()}");
        output.WriteLine(credentials.Ends is { } at ? $"Expires: {at:u}" : "Expires: it does not say");
    }

    private string Json(BmwCredentials credentials) => Written(json =>
    {
        json.WriteStartObject();
        json.WriteString("host", options.MqttHost);
        json.WriteNumber("port", options.MqttPort);
        json.WriteString("username", credentials.Gcid);
        json.WriteStartArray("topics");
        foreach (var topic in credentials.Topics(options))
        {
            json.WriteStringValue(topic);
        }
        json.WriteEndArray();
        json.WriteString("password", credentials.IdToken.Reveal());
        if (credentials.Ends is { } ends)
        {
            json.WriteString("expires_at", ends.UtcDateTime);
        }
        json.WriteEndObject();
    });

    /// <summary>The message as it came, on one line; what is no JSON, as a text of JSON.</summary>
    private static string Compact(MqttMessage message)
    {
        try
        {
            using var document = JsonDocument.Parse(message.Payload);
            return Written(json => document.RootElement.WriteTo(json));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Written(json => json.WriteStringValue(Encoding.UTF8.GetString(message.Payload.Span)));
        }
    }

    private static string Written(Action<Utf8JsonWriter> write)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, Line))
        {
            write(json);
        }
        return Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length);
    }
}

using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>What every provider of one sandbox shares: the clock, a line for each request, and the token that ends when the sandbox does.</summary>
internal sealed record Surroundings(TimeProvider Time, Action<string>? Log, CancellationToken Stopping);

/// <summary>How a provider says no at one of its endpoints.</summary>
internal sealed record Dialect(Func<string, Answer> Refuse, Answer TooManyRequests);

/// <summary>A fault that is set, and for how many more requests; null is until cleared.</summary>
public sealed record PendingFault(Fault Fault, int? Times);

/// <summary>One endpoint of a provider: it counts its requests and does wrong with them what it was told to. Thread-safe.</summary>
public sealed class ProviderEndpoint
{
    private readonly Lock gate = new();
    private readonly Surroundings surroundings;
    private readonly Dialect dialect;
    private readonly List<(int Requests, TaskCompletionSource Reached)> watchers = [];
    private readonly List<PendingFault> faults = [];
    private TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int requests;

    internal ProviderEndpoint(string name, Surroundings surroundings, Dialect dialect) => (Name, this.surroundings, this.dialect) = (name, surroundings, dialect);

    public string Name { get; }

    /// <summary>Requests that arrived, whatever became of them.</summary>
    public int Requests { get { lock (gate) { return requests; } } }

    public IReadOnlyList<PendingFault> Faults { get { lock (gate) { return [.. faults]; } } }

    /// <summary>Sets a fault for the next <paramref name="times"/> requests, or until <see cref="Clear"/>. Several take their turn in order.</summary>
    public void Fail(Fault fault, int? times = null)
    {
        if (fault.Problem is { } problem)
        {
            throw new ArgumentException(problem, nameof(fault));
        }
        lock (gate)
        {
            faults.Add(new PendingFault(fault, times));
        }
    }

    /// <summary>Takes all faults away and lets go what hangs.</summary>
    public void Clear()
    {
        lock (gate)
        {
            faults.Clear();
            released.SetResult();
            released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Ends when so many requests since the start have taken effect, or hang or wait for the clock.</summary>
    public Task Reached(int count, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (requests >= count)
            {
                return Task.CompletedTask;
            }
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            watchers.Add((count, reached));
            return reached.Task.WaitAsync(cancellationToken);
        }
    }

    /// <param name="flight">Ends before the caller can hear of it: its next request is another one.</param>
    internal async Task Serve(HttpContext context, Func<Answer> handle, IDisposable? flight = null)
    {
        var (fault, release) = Take();
        var answering = Answered(fault, release, handle, context.RequestAborted);
        Count();
        Answer? answer;
        try
        {
            answer = await answering;
        }
        catch (OperationCanceledException)
        {
            answer = null;
        }
        surroundings.Log?.Invoke(
            $"{context.Request.Method} {context.Request.Path} {answer?.Status.ToString(null, null) ?? "cut"}{(fault is null ? "" : $" ({fault.GetType().Name})")}");
        if (answer is null)
        {
            context.Abort();
            return;
        }
        flight?.Dispose();
        await answer.Write(context);
    }

    /// <summary>The form of a token request, or null where it is none: another content type, or a parameter that comes twice (RFC 6749 section 3.2).</summary>
    internal static async Task<IFormCollection?> Form(HttpRequest request)
    {
        if (request.ContentType?.Split(';')[0].Trim().Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true)
        {
            return null;
        }
        try
        {
            var form = await request.ReadFormAsync(request.HttpContext.RequestAborted);
            return form.Any(field => field.Value.Count != 1) ? null : form;
        }
        catch (Exception error) when (error is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }

    /// <summary>RFC 6750 section 2.1: the token of the header, or null.</summary>
    internal static string? Bearer(HttpRequest request) =>
        AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var sent) && sent.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) ? sent.Parameter : null;

    /// <summary>The body of a request as JSON, or null where it is none.</summary>
    internal static async Task<JsonNode?> Json(HttpRequest request)
    {
        if (request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true)
        {
            return null;
        }
        try
        {
            using var document = await JsonDocument.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted);
            return Read(document.RootElement);
        }
        // The second is what a lone surrogate is, which no parser notices: only who reads the text does.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonNode? Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject(element.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, Read(member.Value))).DistinctBy(member => member.Key)),
        JsonValueKind.Array => new JsonArray([.. element.EnumerateArray().Select(Read)]),
        JsonValueKind.String => JsonValue.Create(element.GetString()),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(element.Clone()),
    };

    private async Task<Answer?> Answered(Fault? fault, Task release, Func<Answer> handle, CancellationToken callerGone)
    {
        switch (fault)
        {
            case null:
                return handle();
            case Fault.Refuse refuse:
                return dialect.Refuse(refuse.Error);
            case Fault.Delay delay:
                await Task.Delay(TimeSpan.FromSeconds(delay.Seconds), surroundings.Time, surroundings.Stopping);
                return handle();
            case Fault.Hang:
                using (var gone = CancellationTokenSource.CreateLinkedTokenSource(callerGone, surroundings.Stopping))
                {
                    await release.WaitAsync(gone.Token);
                }
                return handle();
            case Fault.TooManyRequests tooMany:
                return dialect.TooManyRequests.With("Retry-After", tooMany.RetryAfter);
            case Fault.ServerError error:
                return Answer.Empty(error.Status).With("Retry-After", error.RetryAfter);
            case Fault.Html html:
                return Answer.Html(html.Status, "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n");
            case Fault.Garbage:
                return Answer.Json(200, "]{\"access_token\": nonsense\0");
            case Fault.HalfAnswer:
                return handle().Half();
            case Fault.Respond respond:
                return (Answer.Json(respond.Status, respond.Body) with { ContentType = respond.ContentType }).With("Retry-After", respond.RetryAfter);
            case Fault.LoseAnswer:
                handle();
                return null;
            case Fault.Drop:
                return null;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Comes after the request took effect or began to wait, so that who waited for it finds the timer set.</summary>
    private void Count()
    {
        lock (gate)
        {
            requests++;
            foreach (var (_, reached) in watchers.Where(watcher => requests >= watcher.Requests))
            {
                reached.SetResult();
            }
            watchers.RemoveAll(watcher => requests >= watcher.Requests);
        }
    }

    private (Fault? Fault, Task Release) Take()
    {
        lock (gate)
        {
            if (faults is not [var (fault, times), ..])
            {
                return (null, released.Task);
            }
            if (times <= 1)
            {
                faults.RemoveAt(0);
            }
            else
            {
                faults[0] = new PendingFault(fault, times - 1);
            }
            return (fault, released.Task);
        }
    }
}

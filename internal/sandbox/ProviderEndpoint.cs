using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>What the providers of one sandbox share.</summary>
/// <param name="Log">Called with a line for each request.</param>
/// <param name="Stopping">Canceled when the sandbox shuts down.</param>
internal sealed record SandboxContext(TimeProvider Time, Action<string>? Log, CancellationToken Stopping);

/// <summary>The error responses of a provider's endpoint.</summary>
internal sealed record ErrorResponses(Func<string, ProviderResponse> ForCode, ProviderResponse TooManyRequests);

/// <summary>A fault and the number of requests that it still applies to; null means until cleared.</summary>
public sealed record PendingFault(Fault Fault, int? Times);

/// <summary>One endpoint of a provider: counts requests and applies faults to them. Thread-safe.</summary>
public sealed class ProviderEndpoint
{
    private readonly Lock gate = new();
    private readonly SandboxContext sandbox;
    private readonly ErrorResponses errors;
    private readonly List<(int Requests, TaskCompletionSource Reached)> watchers = [];
    private readonly List<PendingFault> faults = [];
    private TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int requests;

    internal ProviderEndpoint(string name, SandboxContext sandbox, ErrorResponses errors) =>
        (Name, this.sandbox, this.errors) = (name, sandbox, errors);

    public string Name { get; }

    /// <summary>The number of requests received.</summary>
    public int Requests { get { lock (gate) { return requests; } } }

    public IReadOnlyList<PendingFault> Faults { get { lock (gate) { return [.. faults]; } } }

    /// <summary>Queues a fault for the next <paramref name="times"/> requests, or until <see cref="Clear"/>.</summary>
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

    /// <summary>Removes all faults and releases hanging requests.</summary>
    public void Clear()
    {
        lock (gate)
        {
            faults.Clear();
            released.SetResult();
            released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Completes when this many requests since the start have taken effect, hang, or wait for the clock.</summary>
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

    /// <param name="tracker">Disposed of before the response is sent, so that the caller's next request is not a concurrent one.</param>
    internal async Task Serve(HttpContext context, Func<ProviderResponse> handle, IDisposable? tracker = null)
    {
        var (fault, release) = Take();
        var responding = RespondAsync(fault, release, handle, context.RequestAborted);
        Count();
        ProviderResponse? response;
        try
        {
            response = await responding;
        }
        catch (OperationCanceledException)
        {
            response = null;
        }
        var status = response?.Status.ToString(null, null) ?? "closed";
        sandbox.Log?.Invoke($"{context.Request.Method} {context.Request.Path} {status}{(fault is null ? "" : $" ({fault.GetType().Name})")}");
        if (response is null)
        {
            context.Abort();
            return;
        }
        tracker?.Dispose();
        await response.Write(context);
    }

    /// <summary>The form of a token request; null for another content type or a repeated parameter (RFC 6749 section 3.2).</summary>
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

    /// <summary>The token in the Authorization header (RFC 6750 section 2.1), or null.</summary>
    internal static string? Bearer(HttpRequest request) =>
        AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
        && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            ? header.Parameter
            : null;

    /// <summary>The body of a request as JSON, or null if it is not JSON.</summary>
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
        // Reading the text of a lone surrogate throws InvalidOperationException; parsing it does not.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonNode? Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject(element.EnumerateObject()
            .Select(member => KeyValuePair.Create(member.Name, Read(member.Value))).DistinctBy(member => member.Key)),
        JsonValueKind.Array => new JsonArray([.. element.EnumerateArray().Select(Read)]),
        JsonValueKind.String => JsonValue.Create(element.GetString()),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(element.Clone()),
    };

    private async Task<ProviderResponse?> RespondAsync(
        Fault? fault, Task release, Func<ProviderResponse> handle, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case null:
                return handle();
            case Fault.Refuse refuse:
                return errors.ForCode(refuse.Error);
            case Fault.Delay delay:
                await Task.Delay(TimeSpan.FromSeconds(delay.Seconds), sandbox.Time, sandbox.Stopping);
                return handle();
            case Fault.Hang:
                using (var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, sandbox.Stopping))
                {
                    await release.WaitAsync(either.Token);
                }
                return handle();
            case Fault.TooManyRequests tooMany:
                return errors.TooManyRequests.With("Retry-After", tooMany.RetryAfter);
            case Fault.ServerError error:
                return ProviderResponse.Empty(error.Status).With("Retry-After", error.RetryAfter);
            case Fault.Html html:
                return ProviderResponse.Html(html.Status, "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n");
            case Fault.Garbage:
                return ProviderResponse.Json(200, "]{\"access_token\": nonsense\0");
            case Fault.HalfAnswer:
                return handle().Half();
            case Fault.Respond respond:
                return (ProviderResponse.Json(respond.Status, respond.Body) with { ContentType = respond.ContentType })
                    .With("Retry-After", respond.RetryAfter);
            case Fault.LoseAnswer:
                handle();
                return null;
            case Fault.Drop:
                return null;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Called after the request took effect or set its timer, so that a waiting test finds either.</summary>
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

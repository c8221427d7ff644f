using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Exporter.Http;

/// <summary>Sends the requests of a module for one account, and makes a reading of the answers. Not thread-safe.</summary>
internal sealed class HttpReader(Module module, IModuleApi api, SeriesLimit limit, TimeProvider time, ILogger logger)
{
    private readonly AnswerCache cache = new(module.Fingerprint);

    /// <summary>The answers of earlier rounds that still count.</summary>
    public PollMemory Memory => cache.Memory;

    /// <summary>Steps for all formulas of a reading. A series needs some dozens.</summary>
    private int MostSteps => Math.Max(5_000_000, (int)Math.Min(int.MaxValue, 250L * limit.Most));

    /// <summary>One reading: complete, or a failure. What arrived before a failure is not requested again.</summary>
    public async Task<Result<HttpReading, ApiFailure>> ReadAsync(CancellationToken cancellationToken)
    {
        var (round, now) = (new Round(new FormulaSteps(MostSteps)), time.GetUtcNow());
        var used = new List<RequestCall>();
        try
        {
            foreach (var request in module.Requests)
            {
                foreach (var scope in Scopes(request, round))
                {
                    var (call, reason) = HttpCall.Of(module, request, scope);
                    if (call is null)
                    {
                        round.AddNotice(reason + ".");
                        continue;
                    }
                    used.Add(new RequestCall(request, call));
                    if (!cache.TryGet(request, call, now, out var value))
                    {
                        var (answer, failure) = await SendAsync(request, call, scope, cancellationToken);
                        if (failure is not null && !IsTolerated(request, failure))
                        {
                            return failure;
                        }
                        if (failure is not null && !cache.TryGetKept(request, call, now, out value))
                        {
                            round.AddNotice($"The optional request {request.Name} fails: {failure.Reason}");
                            logger.LogDebug("the optional request {Request} fails: {Reason}", request.Name, failure.Reason);
                            continue;
                        }
                        if (failure is null)
                        {
                            value = answer!.Value;
                            cache.Add(call, value, now);
                        }
                    }
                    round.Add(new RequestAnswer(request, scope, value));
                }
            }
            var result = new SeriesEvaluator(module, round, limit).Evaluate();
            if (result.Failure is null)
            {
                cache.Trim(used, module.Interval);
            }
            return result;
        }
        catch (FormulaLimitException e)
        {
            return new ApiFailure.Rejected($"The module {module.Name} cannot evaluate the answers: {e.Message}; simplify it, or read less at once.");
        }
    }

    private static bool IsTolerated(ModuleRequest request, ApiFailure failure) =>
        request.IsOptional && failure is ApiFailure.Rejected or ApiFailure.MissingScope or ApiFailure.Unavailable;

    /// <summary>One for each request to send; at most as many as the module allows.</summary>
    private static IEnumerable<FormulaScope> Scopes(ModuleRequest request, Round round)
    {
        if (request.Loops.Count == 0)
        {
            return [round.Root];
        }
        var scopes = round.Root.Expand(request.Loops).Take(request.AtMost + 1).ToList();
        if (scopes.Count > request.AtMost)
        {
            round.AddNotice(string.Create(CultureInfo.InvariantCulture,
                $"The request {request.Name} is sent for the first {request.AtMost} items only; increase at_most for more."));
        }
        return scopes.Take(request.AtMost);
    }

    /// <summary>Sends a request, with all its pages.</summary>
    private async Task<Result<Answer,
        ApiFailure>> SendAsync(ModuleRequest request, HttpCall call, FormulaScope scope, CancellationToken cancellationToken)
    {
        var items = new List<object?>();
        for (var page = 1; ; page++)
        {
            var (response, failure) = await api.SendAsync(request, call, cancellationToken);
            if (response is null)
            {
                return failure!;
            }
            using var message = response.Message;
            if (response.IsEmpty)
            {
                return new Answer(null);
            }
            var body = FormulaValue.Of(response.Body);
            var answered = scope.With("answer", body, null);
            var value = request.Items is { } select ? select.Evaluate(answered) : body;
            if (request.Pages is not { } pages)
            {
                return new Answer(value);
            }
            if (FormulaValue.IsList(value))
            {
                items.AddRange(FormulaValue.Items(value).Select(item => item.Value));
            }
            else
            {
                items.Add(value);
            }
            if (call.Next(pages, answered, message) is not { } next || next.Identity == call.Identity || page == pages.AtMost)
            {
                return new Answer(items.ToArray());
            }
            call = next;
        }
    }

    private sealed record Answer(object? Value);
}

using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// Answers a repeated login response with the outcome of the first one, because browsers repeat a navigation and users reload the page. Safe
/// for concurrent use.
/// </summary>
internal sealed class LoginRepeats(TimeProvider time)
{
    private const int MaxOutcomes = 100;

    private readonly Lock gate = new();
    private readonly Dictionary<string, (Task<IResult?> Result, DateTimeOffset Deadline)> outcomes = [];

    /// <summary>Handles the response, unless an equal one is being handled or was handled before.</summary>
    /// <param name="handle">Returns the page, and whether it finished the login. If not, a repeat is handled on its own.</param>
    public async Task<IResult> OnceAsync(
        PendingLogin login, AuthorizationResponse response, Func<Task<(IResult Page, bool IsFinal)>> handle, CancellationToken cancellationToken)
    {
        var text = string.Join('\n', login.Account, login.Request.State.Reveal(), response.State?.Reveal(), response.Code, response.Error);
        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        var own = new TaskCompletionSource<IResult?>(TaskCreationOptions.RunContinuationsAsynchronously);
        while (FindOrAdd(key, own.Task, login.Deadline) is { } first)
        {
            if (await first.WaitAsync(cancellationToken) is { } page)
            {
                return page;
            }
        }
        IResult? shared = null;
        try
        {
            var (page, isFinal) = await handle();
            shared = isFinal ? page : null;
            return page;
        }
        finally
        {
            if (shared is null)
            {
                lock (gate)
                {
                    outcomes.Remove(key);
                }
            }
            own.SetResult(shared);
        }
    }

    /// <summary>The result of an equal response; null if there is none and <paramref name="own"/> was added.</summary>
    private Task<IResult?>? FindOrAdd(string key, Task<IResult?> own, DateTimeOffset deadline)
    {
        lock (gate)
        {
            if (outcomes.TryGetValue(key, out var found))
            {
                return found.Result;
            }
            var ended = outcomes.Where(outcome => outcome.Value.Result.IsCompleted).OrderBy(outcome => outcome.Value.Deadline).ToList();
            foreach (var (old, _) in ended.Where((o, i) => o.Value.Deadline <= time.GetUtcNow() || i <= outcomes.Count - MaxOutcomes))
            {
                outcomes.Remove(old);
            }
            outcomes.Add(key, (own, deadline));
            return null;
        }
    }
}

using System.Collections.Immutable;

namespace Exporter.Ergani;

/// <summary>One kind of call and how it was answered: an HTTP status, or <c>none</c> where there was no answer.</summary>
internal readonly record struct ErganiCall(string Operation, string Code) : IComparable<ErganiCall>
{
    public int CompareTo(ErganiCall other) =>
        string.CompareOrdinal(Operation, other.Operation) is not 0 and var order ? order : string.CompareOrdinal(Code, other.Code);
}

/// <summary>Counts calls by operation and code: Ergani watches how it is used, and so does whoever looks at these. Thread-safe.</summary>
internal sealed class ErganiCalls
{
    private ImmutableSortedDictionary<ErganiCall, long> counts = ImmutableSortedDictionary<ErganiCall, long>.Empty;

    /// <summary>The counts at this moment.</summary>
    public ImmutableSortedDictionary<ErganiCall, long> Counts => Volatile.Read(ref counts);

    /// <summary>A handler that counts what passes through it.</summary>
    public DelegatingHandler CreateHandler() => new Counter(this);

    private void Count(string operation, string code) =>
        ImmutableInterlocked.Update(ref counts, (all, call) => all.SetItem(call, all.GetValueOrDefault(call) + 1), new ErganiCall(operation, code));

    /// <summary>Known operations only: a label has few values, whatever is asked for.</summary>
    private static string Operation(Uri? address) => address?.Segments[^1].TrimEnd('/').ToLowerInvariant() switch
    {
        "authentication" => "login",
        "refresh" => "refresh",
        "logout" => "logout",
        "submissions" => "submissions",
        "serviceslist" => "services",
        "executeservice" => "execute_service",
        _ => "other",
    };

    private sealed class Counter(ErganiCalls calls) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var operation = Operation(request.RequestUri);
            try
            {
                var response = await base.SendAsync(request, cancellationToken);
                calls.Count(operation, ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
                return response;
            }
            catch
            {
                calls.Count(operation, "none");
                throw;
            }
        }
    }
}

using System.Globalization;
using Exporter.Sources;
using Exporter.Tokens;

namespace Exporter.Netatmo;

/// <summary>The operations of Netatmo's API that the exporter uses. What goes wrong is a value: they throw for the caller's cancellation only.</summary>
internal interface INetatmoApi
{
    /// <summary><c>GET /api/getstationsdata</c>: weather stations with their modules; needs the scope <c>read_station</c>.</summary>
    /// <param name="favourites">Also the stations of others that the user has marked.</param>
    Task<ApiAnswer<StationsData>> GetStationsData(bool favourites, CancellationToken cancellation);

    /// <summary><c>GET /api/gethomecoachsdata</c>: Home Coaches; needs the scope <c>read_homecoach</c>.</summary>
    Task<ApiAnswer<StationsData>> GetHomeCoachsData(CancellationToken cancellation);
}

/// <summary>
/// Netatmo's API over HTTP. The client brings the address of the cloud (with a slash at its end) and the handlers that put the
/// token on a request and repeat it; one answer, with all that these handlers do, takes no longer than <see cref="LongestWait"/>.
/// </summary>
internal sealed class NetatmoApi(HttpClient http, TimeProvider time) : INetatmoApi
{
    /// <summary>In bytes. 200 stations with their modules take about one MiB.</summary>
    public const int LargestBody = 16 * 1024 * 1024;

    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(90);

    public Task<ApiAnswer<StationsData>> GetStationsData(bool favourites, CancellationToken cancellation) =>
        Get($"api/getstationsdata?get_favorites={(favourites ? "true" : "false")}", "read_station", cancellation);

    public Task<ApiAnswer<StationsData>> GetHomeCoachsData(CancellationToken cancellation) =>
        Get("api/gethomecoachsdata", "read_homecoach", cancellation);

    private async Task<ApiAnswer<StationsData>> Get(string path, string scope, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Accept = { new("application/json") } } };
            // Headers first, so that the cap and the patience hold for the body as well.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(LargestBody, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return NetatmoAnswer.Read(response.StatusCode, response.Headers, body, scope, time.GetUtcNow());
        }
        catch (TokenUnavailableException e)
        {
            return Failed(new ApiFailure.NoToken($"Netatmo was not asked: {e.Message.TrimEnd('.')}."));
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return Unavailable($"Netatmo's answer is larger than {LargestBody / 1024 / 1024} MiB.");
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException && !cancellation.IsCancellationRequested)
        {
            return Unavailable(string.Create(
                CultureInfo.InvariantCulture, $"Netatmo did not answer {(patience.IsCancellationRequested ? $"within {LongestWait.TotalSeconds} s" : "in time")}."));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            return Unavailable($"Netatmo cannot be reached: {e.GetBaseException().Message.TrimEnd('.')}.");
        }
    }

    private static ApiAnswer<StationsData> Unavailable(string reason) => Failed(new ApiFailure.Unavailable(reason));

    private static ApiAnswer<StationsData> Failed(ApiFailure failure) => new ApiAnswer<StationsData>.Failed(failure);
}

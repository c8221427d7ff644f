using Exporter.Accounts;

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

/// <summary>Netatmo's API over HTTP. The client brings the address of the cloud (with a slash at its end) and the handlers that put the token on a request and repeat it.</summary>
internal sealed class NetatmoApi(HttpClient http, TimeProvider time) : INetatmoApi
{
    public Task<ApiAnswer<StationsData>> GetStationsData(bool favourites, CancellationToken cancellation) =>
        Get($"api/getstationsdata?get_favorites={(favourites ? "true" : "false")}", "read_station", cancellation);

    public Task<ApiAnswer<StationsData>> GetHomeCoachsData(CancellationToken cancellation) =>
        Get("api/gethomecoachsdata", "read_homecoach", cancellation);

    private Task<ApiAnswer<StationsData>> Get(string path, string scope, CancellationToken cancellation) => ApiRequest.SendAsync(
        http, new HttpRequestMessage(HttpMethod.Get, path), "Netatmo", reply => NetatmoAnswer.Read(reply.Status, reply.Body, scope, reply.RetryAfter), time, cancellation);
}

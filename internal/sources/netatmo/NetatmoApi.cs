using Refit;

namespace Exporter.Netatmo;

/// <summary>The operations of Netatmo's API that the exporter uses.</summary>
[Headers("Accept: application/json")]
internal interface INetatmoApi
{
    /// <summary>Weather stations with their modules; needs the scope <c>read_station</c>.</summary>
    /// <param name="favourites"><c>true</c> or <c>false</c>: include stations of other users that the user marked as favourites.</param>
    [Get("/api/getstationsdata")]
    Task<IApiResponse<NetatmoResponse>> GetStationsData(
        [Property(ApiAccount.Option)] ApiAccount account, [AliasAs("get_favorites")] string favourites, CancellationToken cancellationToken);

    /// <summary>Home Coaches; needs the scope <c>read_homecoach</c>.</summary>
    [Get("/api/gethomecoachsdata")]
    Task<IApiResponse<NetatmoResponse>> GetHomeCoachsData([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);
}

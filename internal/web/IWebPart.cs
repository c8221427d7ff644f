namespace Exporter.Web;

/// <summary>A part of the web server that a program may replace or add.</summary>
internal interface IWebPart
{
    /// <summary>Adds middleware before routing. By default, there is none.</summary>
    void Use(IApplicationBuilder app) { }

    void Map(IEndpointRouteBuilder routes);
}

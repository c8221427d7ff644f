namespace Exporter.Bench;

/// <summary>Kestrel with the exporter's server settings and a response of six bytes.</summary>
internal static class Baseline
{
    public static async Task RunAsync(string address)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(address);
        await using var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentLength = 6;
            await context.Response.Body.WriteAsync("hello\n"u8.ToArray(), context.RequestAborted);
        });
        await app.RunAsync();
    }
}

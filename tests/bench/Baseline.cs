namespace Exporter.Bench;

/// <summary>What Kestrel costs by itself: six bytes for every request, with the same server settings as the exporter's.</summary>
internal static class Baseline
{
    public static async Task AnswerAsync(string address)
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

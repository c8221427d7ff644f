using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Exporter.Tests.Cluster;

/// <summary>A token endpoint that accepts every request and answers at once, so that a measurement is of the replica and the database.</summary>
internal sealed class TokenIssuer : IAsyncDisposable
{
    private readonly WebApplication application;
    private int requests;

    private TokenIssuer(TimeSpan lifetime)
    {
        // Of the usual length.
        var answer = Encoding.UTF8.GetBytes($$"""
            {"access_token":"{{new string('a', 64)}}","refresh_token":"{{new string('r', 64)}}","token_type":"bearer","expires_in":{{lifetime.TotalSeconds}}}
            """);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        application = builder.Build();
        application.Run(async context =>
        {
            Interlocked.Increment(ref requests);
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        });
    }

    public Uri Address => new(application.Urls.First());

    /// <summary>The requests so far.</summary>
    public int Requests => Volatile.Read(ref requests);

    public static async Task<TokenIssuer> StartAsync(TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var issuer = new TokenIssuer(lifetime);
        await issuer.application.StartAsync(cancellationToken);
        return issuer;
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();
}

using System.Text;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>An HTTP response as a value, so that a fault can truncate, delay or drop it after the request took effect.</summary>
internal sealed record ProviderResponse(int Status, string? ContentType, ReadOnlyMemory<byte> Body, params (string Name, string Value)[] Headers)
{
    public static ProviderResponse Empty(int status) => new(status, null, default);

    public static ProviderResponse Json(int status, ReadOnlyMemory<byte> body) => new(status, "application/json", body);

    public static ProviderResponse Json(int status, string body) => Json(status, Encoding.UTF8.GetBytes(body));

    public static ProviderResponse Html(int status, string body) => new(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(body));

    public static ProviderResponse Redirect(int status, string location) => Empty(status).With("Location", location);

    public ProviderResponse With(string name, string? value) => value is null ? this : this with { Headers = [.. Headers, (name, value)] };

    public ProviderResponse Half() => this with { Body = Body[..(Body.Length / 2)] };

    public Task Write(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = Status;
        foreach (var (name, value) in Headers)
        {
            response.Headers[name] = value;
        }
        if (ContentType is not null)
        {
            response.ContentType = ContentType;
        }
        // 204 and 304 must not have a Content-Length (RFC 9110 section 8.6).
        if (Status is not (StatusCodes.Status204NoContent or StatusCodes.Status304NotModified))
        {
            response.ContentLength = Body.Length;
        }
        return Body.IsEmpty ? Task.CompletedTask : response.Body.WriteAsync(Body, context.RequestAborted).AsTask();
    }
}

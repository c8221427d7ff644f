using System.Text;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>An HTTP answer as a value, so that a fault can cut, delay or lose it after it took effect.</summary>
internal sealed record Answer(int Status, string? ContentType, ReadOnlyMemory<byte> Body, params (string Name, string Value)[] Headers)
{
    public static Answer Empty(int status) => new(status, null, default);

    public static Answer Json(int status, ReadOnlyMemory<byte> body) => new(status, "application/json", body);

    public static Answer Json(int status, string body) => Json(status, Encoding.UTF8.GetBytes(body));

    public static Answer Html(int status, string body) => new(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(body));

    public static Answer Redirect(int status, string location) => Empty(status).With("Location", location);

    public Answer With(string name, string? value) => value is null ? this : this with { Headers = [.. Headers, (name, value)] };

    public Answer Half() => this with { Body = Body[..(Body.Length / 2)] };

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
        // 204 and 304 may not carry a length (RFC 9110 section 8.6).
        if (Status is not (StatusCodes.Status204NoContent or StatusCodes.Status304NotModified))
        {
            response.ContentLength = Body.Length;
        }
        return Body.IsEmpty ? Task.CompletedTask : response.Body.WriteAsync(Body, context.RequestAborted).AsTask();
    }
}

using System.Buffers;
using System.Text.Json;
using Exporter.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Web;

/// <summary>The pages that programs read: health, version, and behind their flag the debug pages.</summary>
internal static class SmallPages
{
    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Ready means configured and listening. A dead token does not make it unready, or the page that says so would be taken away.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/-/healthy", Read, context => context.Response.WriteAsync("The exporter is healthy.\n"));
        routes.MapMethods("/-/ready", Read, context => context.Response.WriteAsync("The exporter is ready.\n"));
    }

    public static void MapVersion(this IEndpointRouteBuilder routes, BuildInfo build) =>
        routes.MapMethods("/version", Read, context => WriteJsonAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("version", build.Version);
            json.WriteString("commit", build.Commit);
            json.WriteEndObject();
        }));

    /// <summary>From memory, never from the cloud, and without a secret.</summary>
    public static void MapDebug(this IEndpointRouteBuilder routes, IReadOnlyList<Account> accounts)
    {
        routes.MapMethods("/debug/data", Read, context => WriteJsonAsync(context, json =>
        {
            json.WriteStartObject();
            foreach (var account in Asked(context, accounts))
            {
                json.WritePropertyName(account.Name);
                json.WriteRawValue(account.DebugData() ?? "null"u8);
            }
            json.WriteEndObject();
        }));
        routes.MapMethods("/debug/token", Read, context => WriteJsonAsync(context, json =>
        {
            json.WriteStartObject();
            foreach (var account in Asked(context, accounts))
            {
                json.WritePropertyName(account.Name);
                WriteToken(json, account);
            }
            json.WriteEndObject();
        }));
    }

    private static IEnumerable<Account> Asked(HttpContext context, IReadOnlyList<Account> accounts) =>
        context.Request.Query["account"] is [{ Length: > 0 } name] ? accounts.Where(a => a.Name == name) : accounts;

    private static void WriteToken(Utf8JsonWriter json, Account account)
    {
        var snapshot = account.Keeper.Snapshot;
        var token = snapshot.State.Token;
        json.WriteStartObject();
        json.WriteString("state", AccountMetrics.NameOf(snapshot.State));
        json.WriteBoolean("hasAccessToken", token?.AccessToken is not null);
        json.WriteBoolean("hasRefreshToken", token?.RefreshToken is not null);
        Write("expiry", token?.ExpiresAt);
        Write("nextRenewal", account.Keeper.NextRenewal);
        json.WriteString("store", account.Keeper.StoreLocation);
        json.WriteString("unpersisted", snapshot.Unpersisted?.Reason);
        json.WriteString("lastError", snapshot.History.LastError);
        json.WriteEndObject();

        void Write(string name, DateTimeOffset? at)
        {
            if (at is { } time)
            {
                json.WriteString(name, time);
            }
            else
            {
                json.WriteNull(name);
            }
        }
    }

    private static Task WriteJsonAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, new JsonWriterOptions { Indented = true }))
        {
            write(json);
        }
        body.Write("\n"u8);
        return context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted).AsTask();
    }
}

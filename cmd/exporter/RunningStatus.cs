using System.Text.Json;

namespace Exporter;

/// <summary>The response of a running exporter to <c>/api/status</c>, or why there is none.</summary>
/// <param name="Address">Of the exporter that responded; null if none did.</param>
/// <param name="Problem">Why there is no response, as a part of a sentence.</param>
internal sealed record RunningStatus(Uri? Address, IReadOnlyList<AccountStatus> Accounts, string? Problem)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Tries every address of the exporter with this configuration.</summary>
    public static async Task<RunningStatus> RequestAsync(WebOptions web, TimeProvider time, CancellationToken cancellationToken)
    {
        using var exporter = new OwnExporter(web, time);
        string? silence = null, refusal = null;
        foreach (var address in web.OwnAddresses)
        {
            var shown = address.GetLeftPart(UriPartial.Authority);
            var reply = await exporter.GetAsync(address, "/api/status", Timeout, cancellationToken);
            if (reply is OwnExporter.Reply.Received { Status: 200, Body: var body } && Parse(body) is { } document)
            {
                return document.Schema == StatusDocument.CurrentSchema
                    ? new RunningStatus(address, document.Accounts, null)
                    : new RunningStatus(null, [], $"the exporter at {shown} has another version");
            }
            switch (reply)
            {
                case OwnExporter.Reply.Received { Status: 401 }:
                    refusal ??= $"the exporter at {shown} requires a password";
                    break;
                case OwnExporter.Reply.Received { Status: var status } when status is 429 or >= 500:
                    refusal ??= $"the exporter at {shown} returned {status}";
                    break;
                case OwnExporter.Reply.Received:
                    refusal ??= $"the program at {shown} has no /api/status";
                    break;
                case OwnExporter.Reply.None { Error: not HttpRequestError.ConnectionError } when web.RequiresClientCertificate:
                    refusal ??= $"the exporter at {shown} requires a client certificate";
                    break;
                case OwnExporter.Reply.None { Error: HttpRequestError.SecureConnectionError }:
                    refusal ??= $"the program at {shown} does not present the configured certificate";
                    break;
                case OwnExporter.Reply.Late:
                    refusal ??= $"the program at {shown} did not respond within {Timeout.TotalSeconds:0} seconds";
                    break;
                default:
                    silence ??= $"no exporter responds at {shown}";
                    break;
            }
        }
        return new RunningStatus(null, [], refusal ?? silence);
    }

    /// <summary>The same account with the same token file; null if the exporter has none.</summary>
    public AccountStatus? Find(AccountStatus account) => Accounts.FirstOrDefault(
        one => one.Account == account.Account && one.Source == account.Source && IsSame(one.Store, account.Store));

    private static bool IsSame(string store, string other) => store == other
        || (Path.IsPathRooted(store) && Path.IsPathRooted(other) && AtomicFile.RealPath(store) == AtomicFile.RealPath(other));

    private static StatusDocument? Parse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, AccountStatusJson.Default.StatusDocument) is { Accounts: { } accounts } document
                && accounts.All(account => account is not null)
                ? document
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Exporter.Web;

/// <summary>
/// Creates accounts from JSON lines, and answers a line of JSON for each. Reads and writes at the same time, so that the memory it needs does not
/// depend on the number of lines. A line that fails does not stop the rest.
/// </summary>
internal sealed class AccountImport(ISharedAccounts accounts)
{
    public const string MediaType = "application/jsonl";

    /// <summary>Created at the same time.</summary>
    private const int BatchSize = 16;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    public async Task<IResult> RunAsync(HttpContext context, ApiKey key)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
        context.Response.ContentType = MediaType;
        await context.Response.StartAsync(context.RequestAborted);
        var lines = new Lines(context.Request.BodyReader);
        var batch = new List<Line>(BatchSize);
        while (await lines.ReadAsync(batch, context.RequestAborted))
        {
            var results = await Task.WhenAll(batch.Select(line => CreateAsync(line, key, context.RequestAborted)));
            foreach (var result in results)
            {
                Write(context.Response.BodyWriter, result);
            }
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            batch.Clear();
        }
        return TypedResults.Empty;
    }

    private async Task<ImportedLine> CreateAsync(Line line, ApiKey key, CancellationToken cancellationToken)
    {
        if (line.Account is not { } account)
        {
            return Failed(null, ApiProblem.Malformed(line.Problem!));
        }
        if (!key.Permits(account.Template))
        {
            return Failed(account.Name, AccountsApi.ForeignTemplate(key));
        }
        try
        {
            return (await accounts.CreateAsync(account, cancellationToken)).Failure is { } problem
                ? Failed(account.Name, ApiProblem.Of(problem))
                : new ImportedLine(line.Number, account.Name, "created", null, null);
        }
        catch (StoreUnavailableException e)
        {
            return Failed(account.Name, ApiProblem.Unavailable(e));
        }

        ImportedLine Failed(string? name, ApiProblem problem) =>
            new(line.Number, name is null ? null : Sanitize.Line(name, SharedAccountName.MaxLength), "failed", problem.Code, problem.Detail);
    }

    private static void Write(PipeWriter writer, ImportedLine line)
    {
        using var json = new Utf8JsonWriter(writer);
        JsonSerializer.Serialize(json, line, ApiJson.Default.ImportedLine);
        json.Flush();
        writer.Write("\n"u8);
    }

    /// <param name="Number">From 1.</param>
    /// <param name="Problem">A sentence if there is no account.</param>
    private sealed record Line(int Number, NewSharedAccount? Account, string? Problem);

    /// <summary>The lines of a request. Not thread-safe.</summary>
    private sealed class Lines(PipeReader reader)
    {
        private int number;
        private bool isTooLong;

        /// <summary>Adds the lines that have arrived, at least one. False at the end.</summary>
        public async Task<bool> ReadAsync(List<Line> batch, CancellationToken cancellationToken)
        {
            while (true)
            {
                var read = await reader.ReadAsync(cancellationToken);
                var rest = read.Buffer;
                while (batch.Count < BatchSize && rest.PositionOf((byte)'\n') is { } end)
                {
                    if (!Add(batch, rest.Slice(0, end)))
                    {
                        break;
                    }
                    rest = rest.Slice(rest.GetPosition(1, end));
                }
                var isBatchFull = batch.Count > 0 && (batch.Count == BatchSize || rest.PositionOf((byte)'\n') is not null);
                if (read.IsCompleted && !isBatchFull)
                {
                    // The last line may end without a line break.
                    if (rest.IsEmpty || Add(batch, rest))
                    {
                        rest = rest.Slice(rest.End);
                    }
                }
                else if (!isBatchFull && rest.Length > NewAccountReader.MaxLength)
                {
                    isTooLong = true;
                    rest = rest.Slice(rest.End);
                }
                reader.AdvanceTo(rest.Start, isBatchFull || batch.Count > 0 ? rest.Start : rest.End);
                if (batch.Count > 0)
                {
                    return true;
                }
                if (read.IsCompleted)
                {
                    return false;
                }
            }
        }

        /// <summary>False if a line of the batch has the same name: it must be created first.</summary>
        private bool Add(List<Line> batch, ReadOnlySequence<byte> bytes)
        {
            if (isTooLong || bytes.Length > NewAccountReader.MaxLength)
            {
                isTooLong = false;
                batch.Add(new Line(++number, null, $"The line has more than {NewAccountReader.MaxLength / 1024} kB; shorten it."));
                return true;
            }
            var text = bytes.ToArray().AsMemory();
            if (number == 0 && text.Span.StartsWith(ByteOrderMark))
            {
                text = text[ByteOrderMark.Length..];
            }
            if (text.Span.Trim(" \t\r"u8).IsEmpty)
            {
                number++;
                return true;
            }
            var (account, problem) = NewAccountReader.Read(text);
            if (account is not null && batch.Exists(line => line.Account?.Name == account.Name))
            {
                return false;
            }
            batch.Add(new Line(++number, account, problem));
            return true;
        }
    }
}

namespace Exporter.Tokens;

/// <summary>
/// The record beside the token file. It is written to a new file that takes its name, so that no link that another user planted there is
/// followed. The name of the new file differs from those of unfinished saves, because it contains no token.
/// </summary>
public sealed partial class FileStore
{
    private const int LargestRecord = 16 * 1024;

    public ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) => CurrentStoreAccess.IsReadOnly
        ? new(ChangesNothing)
        : Try<string?>(
            at =>
            {
                if (MarkerReason(at) is { } reason)
                {
                    return reason;
                }
                var temporary = Unfinished(at.Target, "status");
                File.Delete(temporary);
                var content = record.ToBytes(stamp, time.GetUtcNow());
                using (var file = AtomicFile.Create(temporary, content.Length, at.OwnerOfNewFile, out _))
                {
                    AtomicFile.WriteAll(file, content);
                }
                File.Move(temporary, Record(at.Target), overwrite: true);
                return null;
            },
            TokenFile.Explain);

    public ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) => Try(
        at => TokenFile.ReadOwn(Record(at.Target), LargestRecord) is { } content ? TokenRecord.Parse(content, stamp) : null, _ => null);

    /// <summary>After a write of the token or a logout, the record belongs to no token.</summary>
    private static void DeleteRecord(string target)
    {
        AtomicFile.TryDelete(Record(target));
        AtomicFile.TryDelete(Unfinished(target, "status"));
    }

    private static string Record(string target) => $"{target}.status";

    private static string Unfinished(string target, string suffix) =>
        Path.Combine(AtomicFile.DirectoryOf(target), $".{Path.GetFileName(target)}.{suffix}-unfinished");
}

namespace Exporter.Accounts;

/// <summary>
/// Readings that can be stored and restored in another process. Unlike the other members, <see cref="Save"/> and <see cref="Restore"/> must
/// not run during a poll.
/// </summary>
public interface IStoredReadingSource : IReadingSource
{
    /// <summary>The latest reading, its status, and what the next poll needs besides.</summary>
    SavedReading Save();

    /// <summary>
    /// Continues where another process saved. A reading that cannot be used leaves its status, which is then due at once. If the status
    /// cannot be used either, nothing changes.
    /// </summary>
    /// <param name="now">The metrics are collected for this time.</param>
    /// <returns>What is not restored, why, and what follows from it, as a sentence; null if everything is restored.</returns>
    string? Restore(SavedReading saved, DateTimeOffset now);
}

/// <summary>Readings by polls, which a caller can also take one at a time.</summary>
public interface IPolledReadingSource : IStoredReadingSource
{
    /// <summary>
    /// Polls once, now, whether or not a poll is due. Like each poll of <see cref="IReadingSource.RunAsync"/>, it sets the status with the
    /// time of the next try, counts, and logs. It does not wait for a token: without one, the poll fails with
    /// <see cref="ApiFailure.NoToken"/>. It must run neither twice at the same time nor beside <see cref="IReadingSource.RunAsync"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller canceled the poll. The status is unchanged.</exception>
    Task PollOnceAsync(CancellationToken cancellationToken);
}

/// <summary>A reading that another process can restore. Both parts belong together. Immutable.</summary>
/// <param name="Json">
/// A JSON object in UTF-8, <c>{"v":1,"source":"…","status":{…},"reading":{…}}</c>, with everything that metrics and pages need. The member
/// <c>reading</c> is null before the first reading. It contains no token and no other secret.
/// </param>
/// <param name="Memory">
/// What only the next poll needs, such as answers that are not requested again yet; null if there is nothing. UTF-8 as well, but it can
/// contain answers as the provider wrote them: store it as bytes.
/// </param>
public sealed record SavedReading(ReadOnlyMemory<byte> Json, ReadOnlyMemory<byte>? Memory = null);

namespace Exporter.Postgres;

/// <summary>
/// Seals the tokens of all accounts with the first key of the key file, in batches, so that an administrator can remove the other keys. Works
/// while replicas run, also for rows that they renew, because the version of a token stays. Can be repeated.
/// </summary>
internal sealed class StoreRekey(AdministeredRows administered, TokenKeys keys)
{
    private const int BatchSize = 500;

    public async Task<RekeyResult> RunAsync(CancellationToken cancellationToken)
    {
        for (var replaced = 0; ;)
        {
            var (now, left, problems) = await PassAsync(cancellationToken);
            replaced += now;
            // A row that changed between its read and its write is read again. Its new token usually has the first key.
            if (left == 0)
            {
                return new RekeyResult(replaced, problems, keys.CurrentId);
            }
        }
    }

    private async Task<(int Replaced, int Left, IReadOnlyList<string> Problems)> PassAsync(CancellationToken cancellationToken)
    {
        var (replaced, left, after) = (0, 0, 0L);
        var problems = new List<string>();
        while (await administered.TokensAsync(after, BatchSize, cancellationToken) is [.., var last] batch)
        {
            after = last.Id;
            var sealedAgain = new List<SealedToken>();
            foreach (var token in batch.Where(one => !keys.IsCurrent(one.Content)))
            {
                var (plain, failure) = keys.Open(token.Name, token.Content);
                if (failure is not null)
                {
                    problems.Add($"{token.Name}: {failure}");
                    continue;
                }
                sealedAgain.Add(token with { Content = keys.Seal(token.Name, plain) });
            }
            if (sealedAgain.Count > 0)
            {
                var now = await administered.ReplaceSealsAsync(sealedAgain, cancellationToken);
                (replaced, left) = (replaced + now, left + sealedAgain.Count - now);
            }
        }
        return (replaced, left, problems);
    }
}

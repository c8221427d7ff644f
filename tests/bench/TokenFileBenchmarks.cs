using BenchmarkDotNet.Attributes;
using Exporter.Tokens;

namespace Exporter.Bench;

/// <summary>Reading a token file, and replacing it with flushes to disk.</summary>
[MemoryDiagnoser, InProcess]
public class TokenFileBenchmarks
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("exporter-bench-");
    private readonly Token token = new()
    {
        AccessToken = new Secret("access-token"),
        RefreshToken = new Secret("refresh-token"),
        ExpiresAt = DateTimeOffset.UnixEpoch.AddYears(60),
    };

    private FileStore store = null!;
    private string? stamp;

    [GlobalSetup]
    public async Task Write()
    {
        store = new FileStore(Path.Combine(directory.FullName, "token.json"), [new PlainTokenFormat()], TimeProvider.System);
        await ReplaceAsync();
    }

    [GlobalCleanup]
    public void Remove() => directory.Delete(recursive: true);

    [Benchmark]
    public async Task<ReadResult> ReadAsync() => await store.ReadAsync(CancellationToken.None);

    [Benchmark]
    public async Task ReplaceAsync() => stamp = ((WriteResult.Written)await store.WriteAsync(token, stamp, CancellationToken.None)).Stamp;

    [Benchmark]
    public async Task LockAsync() => (await store.LockAsync(CancellationToken.None)).Release();
}

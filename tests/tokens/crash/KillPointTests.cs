using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>
/// The program is killed at each point of one renewal, and started again. Nothing in the program knows of it: the provider holds
/// its answer back, and strace or the kernel strikes when a system call is made.
/// </summary>
[Collection("real processes")]
[Trait("Suite", "slow")]
public sealed class KillPointTests
{
    /// <summary>A killed process ends with 128 and the signal.</summary>
    private const int Killed = 128 + 9;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Before_the_lock_is_taken()
    {
        await using var bench = await CrashBench.StartAsync();

        Assert.Equal(Killed, await bench.RunTracedAsync("openat", $"{bench.TokenFile}.lock"));

        Assert.Equal(0, bench.Counters.Rotations);
        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());
    }

    [Fact]
    public async Task Before_the_request()
    {
        await using var bench = await CrashBench.StartAsync();

        Assert.Equal(Killed, await bench.RunTracedAsync("sendto,sendmsg", path: null));

        Assert.Contains(" ", File.ReadAllText($"{bench.TokenFile}.lock"), StringComparison.Ordinal);
        Assert.Equal(0, bench.Counters.Rotations);
        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());
    }

    [Fact]
    public async Task After_the_request_while_the_cloud_has_not_rotated()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();

        Assert.Equal(Killed, await CrashBench.KillAsync(program));

        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());
    }

    [Fact]
    public async Task After_the_rotation_before_the_answer_arrives()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();
        await program.Signal("STOP", Cancellation);
        await bench.Release();

        Assert.Equal(Killed, await CrashBench.KillAsync(program));

        Assert.Equal(Aftermath.LostOnTheWay, await bench.RestartAsync());
    }

    /// <summary>The answer is in the process and nowhere else; what it did not write, no restart can find.</summary>
    [Theory]
    [InlineData("openat", "token.json")]
    [InlineData("ftruncate", null)]
    [InlineData("pwrite64,write", null)]
    public async Task After_the_answer_before_anything_is_in_the_temporary_file(string calls, string? file) => await Struck(calls, file, Aftermath.LostOnTheWay);

    /// <summary>A file of the right length whose second half never came to the disk.</summary>
    [Fact]
    public async Task Half_written()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();
        Assert.Equal(Killed, await bench.TraceAsync(program, "fsync", null));
        var temporary = Assert.Single(bench.TemporaryFiles());
        var content = await File.ReadAllBytesAsync(temporary, Cancellation);
        content.AsSpan(content.Length / 2).Clear();
        await File.WriteAllBytesAsync(temporary, content, Cancellation);

        Assert.Equal(Aftermath.LostOnTheWay, await bench.RestartAsync());
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("rename,renameat,renameat2")]
    public async Task Written_before_the_rename(string calls) => await Struck(calls, null, Aftermath.Recovered);

    /// <summary>The directory is opened, then flushed; after that the signed-out marker is removed and the lock released.</summary>
    [Theory]
    [InlineData("open,openat", "")]
    [InlineData("fsync", "")]
    [InlineData("unlink,unlinkat", "token.json.signed-out")]
    [InlineData("ftruncate", "token.json.lock")]
    public async Task After_the_rename(string calls, string file) => await Struck(calls, file, Aftermath.Renewed);

    private static async Task Struck(string calls, string? file, Aftermath expected)
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();

        Assert.Equal(Killed, await bench.TraceAsync(program, calls, file is null ? null : Path.Combine(bench.DirectoryPath, file).TrimEnd('/')));

        Assert.Equal(1, bench.Counters.Rotations);
        Assert.Equal(expected, await bench.RestartAsync());
    }
}

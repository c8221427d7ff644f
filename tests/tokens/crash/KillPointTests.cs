using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>
/// Kills the program at each step of a renewal and starts it again, without code in the program: the provider delays its response, and strace
/// or the kernel kills at a system call.
/// </summary>
[Collection("real processes")]
[Trait("Suite", "slow")]
public sealed class KillPointTests
{
    /// <summary>The exit code of a killed process is 128 plus the signal.</summary>
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
    public async Task Without_a_descriptor_for_the_lock_no_token_is_sent()
    {
        await using var bench = await CrashBench.StartAsync();

        var exitCode = await bench.RunTracedAsync("openat", $"{bench.TokenFile}.lock", "error=EMFILE");

        Assert.Equal((ExitCode.TryLater, 0), (exitCode, bench.Counters.Rotations));
        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());
    }

    [Fact]
    public async Task Without_a_descriptor_for_the_save_the_spare_one_is_used()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();

        Assert.Equal(0, await bench.TraceAsync(program, "openat", bench.TokenFile, "error=EMFILE:when=1"));

        Assert.Equal(1, bench.Counters.Rotations);
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
    public async Task After_the_request_before_the_provider_rotates()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();

        Assert.Equal(Killed, await CrashBench.KillAsync(program));

        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());
    }

    [Fact]
    public async Task After_the_rotation_before_the_response_arrives()
    {
        await using var bench = await CrashBench.StartAsync();
        await using var program = await bench.StartHeldAsync();
        await program.Signal("STOP", Cancellation);
        await bench.Release();

        Assert.Equal(Killed, await CrashBench.KillAsync(program));

        Assert.Equal(Aftermath.LostOnTheWay, await bench.RestartAsync());
    }

    /// <summary>The response is only in the memory of the process, so a restart cannot find it.</summary>
    [Theory]
    [InlineData("openat", "token.json")]
    [InlineData("ftruncate", null)]
    [InlineData("pwrite64,write", null)]
    public async Task After_the_response_before_the_temporary_file_is_written(string calls, string? file) =>
        await Struck(calls, file, Aftermath.LostOnTheWay);

    /// <summary>A file of the right length whose second half is not on the disk.</summary>
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

    /// <summary>
    /// The directory is flushed; then the marker of a logout is deleted and the lock released. A command of root opens the directory earlier too,
    /// so that call marks no step.
    /// </summary>
    [Theory]
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

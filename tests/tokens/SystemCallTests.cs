using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>What a save asks of the kernel, and in which order: only that makes it survive a power cut.</summary>
[Trait("Suite", "slow")]
public partial class SystemCallTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What is traced below: one save over a file that is there.</summary>
    [Fact]
    public async Task One_save()
    {
        using var directory = new TemporaryDirectory();
        var (time, path) = (new ManualTime(), directory.Write("traced.json", """{"refresh_token":"old"}"""));
        var store = Kept.Plain(path, time);
        var old = Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));

        Assert.IsType<WriteResult.Written>(await store.WriteAsync(Kept.Some(time), old.Stamp, Cancellation));
    }

    [Fact]
    public async Task A_save_is_written_to_a_new_file_flushed_renamed_and_the_folder_flushed_in_this_order()
    {
        using var directory = new TemporaryDirectory();
        var program = Path.Combine(AppContext.BaseDirectory, "Exporter.Tests");
        string[] arguments =
        [
            "-ff", "-y", "-o", directory["trace"], "-e", "trace=open,openat,fsync,fdatasync,rename,renameat,renameat2,ftruncate",
            program, "--filter-method", $"{typeof(SystemCallTests).FullName}.{nameof(One_save)}",
        ];
        var (exitCode, _, error) = await Peer.Run("strace", arguments, default, Cancellation);
        Assert.SkipWhen(error.Contains("ptrace") && exitCode != 0, $"Tracing is not permitted here: {error}");
        Assert.Equal(0, exitCode);

        // A file for each thread, so that no call is cut in two by another's; the save is on one.
        var trace = Directory.GetFiles(directory.Path, "trace.*").Single(file => File.ReadLines(file).Any(line => Temporary().IsMatch(line)));
        var calls = File.ReadLines(trace).Where(line => line.Contains("exporter-tests-", StringComparison.Ordinal) && !line.Contains("ENOENT", StringComparison.Ordinal)).ToList();
        var began = calls.FindIndex(line => Temporary().IsMatch(line));
        Assert.Collection(
            calls[began..].Take(6),
            line => Assert.Matches("""openat\(.*/\.traced\.json\.[0-9a-f]{32}\.tmp", O_WRONLY\|O_CREAT\|O_EXCL\|O_CLOEXEC, 0600\)""", line),
            line => Assert.Matches("""ftruncate\(\d+<.*/\.traced\.json\.[0-9a-f]{32}\.tmp>, [1-9]\d+\) += 0""", line),
            line => Assert.Matches("""fsync\(\d+<.*/\.traced\.json\.[0-9a-f]{32}\.tmp>\) += 0""", line),
            line => Assert.Matches("""rename\(".*/\.traced\.json\.[0-9a-f]{32}\.tmp", ".*/traced\.json"\) += 0""", line),
            line => Assert.Matches("""open(at)?\(.*/exporter-tests-\w+", O_RDONLY\|O_CLOEXEC\)""", line),
            line => Assert.Matches("""fsync\(\d+<.*/exporter-tests-\w+>\) += 0""", line));
    }

    [GeneratedRegex(@"open(at)?\(.*\.traced\.json\.")]
    private static partial Regex Temporary();
}

using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The system calls of a save: only their order makes the save survive a power failure.</summary>
[Trait("Suite", "slow")]
public partial class SystemCallTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The traced program: one save of an existing file.</summary>
    [Fact]
    public async Task One_save()
    {
        using var directory = new TemporaryDirectory();
        var (time, path) = (new ManualTime(), directory.Write("traced.json", """{"refresh_token":"old"}"""));
        var store = TokenManagerBench.Plain(path, time);
        var old = Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));

        Assert.IsType<WriteResult.Written>(await store.WriteAsync(TokenManagerBench.Some(time), old.Stamp, Cancellation));
    }

    /// <summary>The traced program: one mark of an existing file.</summary>
    [Fact]
    public async Task One_mark()
    {
        using var directory = new TemporaryDirectory();
        var store = TokenManagerBench.Plain(directory.Write("traced.json", """{"refresh_token":"old"}"""), new ManualTime());

        Assert.IsType<WriteResult.Written>(await store.MarkAsync(new StoreMarker("postgres://db", "home", default), Cancellation));
    }

    [Theory]
    [InlineData(nameof(One_save), "[0-9a-f]{32}\\.tmp", "traced\\.json")]
    [InlineData(nameof(One_mark), "in-store-unfinished", "traced\\.json\\.in-store")]
    public async Task A_save_creates_flushes_and_renames_a_file_and_flushes_the_directory(string traced, string temporary, string name)
    {
        using var directory = new TemporaryDirectory();
        var program = Path.Combine(AppContext.BaseDirectory, "Exporter.Tests");
        string[] arguments =
        [
            "-ff", "-y", "-o", directory["trace"], "-e", "trace=open,openat,fsync,fdatasync,rename,renameat,renameat2,ftruncate",
            program, "--filter-method", $"{typeof(SystemCallTests).FullName}.{traced}",
        ];
        var (exitCode, _, error) = await Peer.Run("strace", arguments, default, Cancellation);
        Assert.SkipWhen(error.Contains("ptrace") && exitCode != 0, $"Tracing is not permitted here: {error}");
        Assert.Equal(0, exitCode);

        // One trace file for each thread, so that no call is split; the save uses one thread.
        var trace = Directory.GetFiles(directory.Path, "trace.*").Single(file => File.ReadLines(file).Any(line => Temporary().IsMatch(line)));
        var calls = File.ReadLines(trace)
            .Where(line => line.Contains("exporter-tests-", StringComparison.Ordinal) && !line.Contains("ENOENT", StringComparison.Ordinal)).ToList();
        var began = calls.FindIndex(line => Temporary().IsMatch(line));
        Assert.Collection(
            calls[began..].Take(6),
            line => Assert.Matches($$"""openat\(.*/\.traced\.json\.{{temporary}}", O_WRONLY\|O_CREAT\|O_EXCL\|O_CLOEXEC, 0600\)""", line),
            line => Assert.Matches($$"""ftruncate\(\d+<.*/\.traced\.json\.{{temporary}}>, [1-9]\d+\) += 0""", line),
            line => Assert.Matches($$"""fsync\(\d+<.*/\.traced\.json\.{{temporary}}>\) += 0""", line),
            line => Assert.Matches($$"""rename\(".*/\.traced\.json\.{{temporary}}", ".*/{{name}}"\) += 0""", line),
            line => Assert.Matches("""open(at)?\(.*/exporter-tests-\w+", O_RDONLY\|O_CLOEXEC\)""", line),
            line => Assert.Matches("""fsync\(\d+<.*/exporter-tests-\w+>\) += 0""", line));
    }

    [GeneratedRegex(@"open(at)?\(.*\.traced\.json\.")]
    private static partial Regex Temporary();
}

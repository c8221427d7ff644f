using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// A thread with its own mount namespace (unshare(2)). No other thread sees its mounts, and they disappear with the thread. Runs one call at
/// a time. Skips the test if namespaces are not permitted.
/// </summary>
internal sealed class MountNamespace : IDisposable
{
    private const int NewMounts = 0x00020000;

    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;

    private MountNamespace()
    {
        thread = new Thread(() =>
        {
            foreach (var action in work.GetConsumingEnumerable())
            {
                action();
            }
        })
        { IsBackground = true };
        thread.Start();
    }

    /// <summary>An empty mount namespace.</summary>
    public static MountNamespace Enter()
    {
        var entered = new MountNamespace();
        var reason = entered.Do(() => unshare(NewMounts) != 0 ? "unshare" : Run("mount", "--make-rprivate", "/"));
        if (reason.Length > 0)
        {
            entered.Dispose();
            Assert.Skip($"Mounting is not permitted here ({reason}): run the tests as root, in a container with CAP_SYS_ADMIN.");
        }
        return entered;
    }

    /// <summary>A thread that accesses files as another user (setfsuid(2), which also drops root's file permissions).</summary>
    public static MountNamespace As(uint user)
    {
        var entered = new MountNamespace();
        if (Environment.UserName != "root")
        {
            entered.Dispose();
            Assert.Skip("Only root can become another user: run the tests as root.");
        }
        entered.Do(() => (setfsgid(user), setfsuid(user)));
        return entered;
    }

    public T Do<T>(Func<T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                done.SetResult(action());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    public void Do(Action action) => Do(() => { action(); return 0; });

    public void Mount(params string[] arguments) => Assert.Equal("", Do(() => Run("mount", arguments)));

    public void Unmount(string directory) => Assert.Equal("", Do(() => Run("umount", directory)));

    /// <summary>The same store, with all calls on this thread.</summary>
    public ITokenStore Within(ITokenStore store) => new Inside(this, store);

    public void Dispose()
    {
        work.CompleteAdding();
        thread.Join();
        work.Dispose();
    }

    /// <summary>The error output. A child process has the mounts of the thread that starts it.</summary>
    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Peer.Find(program), arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : $"{error.Trim()} ({process.ExitCode})";
    }

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unshare(int flags);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setfsuid(uint user);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setfsgid(uint group);

    private sealed class Inside(MountNamespace space, ITokenStore store) : ITokenStore
    {
        public string Location => store.Location;

        public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) =>
            new(space.Do(() => store.ReadAsync(cancellationToken).AsTask().Result));

        public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) =>
            new(space.Do(() => store.PrepareAsync(cancellationToken).AsTask().Result));

        public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken) =>
            new(space.Do(() => store.WriteAsync(token, expected, cancellationToken).AsTask().Result));

        public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) =>
            new(space.Do(() => store.LogOutAsync(cancellationToken).AsTask().Result));

        public ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) =>
            new(space.Do(() => store.RecordAsync(record, stamp, cancellationToken).AsTask().Result));

        public ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) =>
            new(space.Do(() => store.ReadRecordAsync(stamp, cancellationToken).AsTask().Result));

        public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) =>
            new(space.Do(() => store.LockAsync(cancellationToken).AsTask().Result));
    }
}

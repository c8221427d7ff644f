namespace Exporter.Tokens;

/// <summary>Removes the token and its copies.</summary>
public sealed partial class FileStore
{
    public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) => Change(LogOut);

    /// <summary>Writes the marker first: after a crash between the two writes the account is logged out.</summary>
    private WriteResult LogOut(FileLocation at) => Remove(at, () => AtomicFile.Replace(
        Marker(at.RealPath), "The account of this token file was logged out. The next login removes this marker.\n"u8));

    /// <param name="before">Called when the token can be removed.</param>
    private WriteResult Remove(FileLocation at, Action? before = null)
    {
        var target = at.Target;
        var shared = format.IsShared && File.Exists(target);
        if (shared && Read(at) is ReadResult.Unreadable(var reason))
        {
            return new WriteResult.Failed(reason);
        }
        before?.Invoke();
        Take()?.Dispose();
        AtomicFile.DeleteCopies(target);
        DeleteRecord(target);
        if (shared)
        {
            AtomicFile.Replace(path, format.Write(new Token(), lastContent));
        }
        else
        {
            TokenFile.Delete(target);
        }
        lastContent = [];
        var damaged = Directory.GetFiles(AtomicFile.DirectoryOf(target), $"{Path.GetFileName(target)}.corrupt-*").Select(Path.GetFileName).Order();
        var left = string.Join(", ", damaged);
        return new WriteResult.Written("", left.Length == 0 ? null : $"damaged copies may still contain a token: delete {left} beside {path}");
    }

    private static string Marker(string target) => $"{target}.signed-out";
}

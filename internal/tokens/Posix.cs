using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>System calls that .NET does not offer. Everything else uses <see cref="File"/>.</summary>
internal static class Posix
{
    public const int Busy = 16;
    public const int WouldBlock = 11;
    public const int ReadOnly = 30;

    /// <summary>The user ID and the group ID of root.</summary>
    public const uint Root = 0;

    private const int Missing = 2;
    private const int SystemFull = 23;
    private const int ProcessFull = 24;
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;
    private const int KeepSize = 1;
    private const int Exists = 17;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int PathOnly = 0x200000;
    private const int SharedWithoutWait = 0x1 | 0x4;
    private const int CurrentDirectory = -100;
    private const int EmptyPath = 0x1000;
    private const int NoFollow = 0x100;
    private const uint Kind = 0x1;
    private const uint OwnerAndGroup = 0x8 | 0x10;
    private const uint Inode = 0x100;
    private const uint Mount = 0x1000;
    private const uint Permissions = 0x2;
    private const uint Links = 0x4;
    private const int KindOfFile = 0xF000;
    private const int OrdinaryFile = 0x8000;
    private const int DirectoryFile = 0x4000;
    private const int LinkFile = 0xA000;

    /// <summary>O_NOFOLLOW, whose value depends on the processor.</summary>
    private static readonly int NoFollowAtOpen = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 0x20000 : 0x8000;

    /// <summary>Whether this process is permitted to use the files of every user.</summary>
    public static bool IsRoot { get; } = geteuid() == Root;

    /// <summary>Whether the last call of this thread failed because nothing has that name.</summary>
    public static bool IsMissing => Marshal.GetLastPInvokeError() == Missing;

    /// <summary>
    /// Makes a rename in this directory survive a power failure. Opens it with O_CLOEXEC only: the value of O_DIRECTORY depends on the
    /// processor, and it is not necessary.
    /// </summary>
    /// <exception cref="IOException">The directory cannot be opened or flushed.</exception>
    public static void FlushDirectory(string directory)
    {
        using var handle = OpenUnlocked(directory);
        if (handle.IsInvalid)
        {
            throw new IOException($"cannot open the directory {directory}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Opens a file without a lock, which .NET always takes. The handle is invalid when the file cannot be opened.</summary>
    public static SafeFileHandle OpenUnlocked(string path) => new(open(Text(path), CloseOnExec, 0), ownsHandle: true);

    /// <summary>Opens a file to read it, without following a link, and without waiting for the writer of a pipe.</summary>
    public static SafeFileHandle OpenToRead(string path) => new(open(Text(path), CloseOnExec | NonBlocking | NoFollowAtOpen, 0), ownsHandle: true);

    /// <summary>Takes the shared lock of flock(2) that .NET takes on each file that it opens.</summary>
    /// <exception cref="IOException">Another process has the file locked.</exception>
    public static void LockShared(SafeFileHandle file, string path)
    {
        if (flock(Number(file), SharedWithoutWait) != 0 && Marshal.GetLastPInvokeError() == WouldBlock)
        {
            throw Failure(path);
        }
    }

    /// <summary>Opens what has a name in a directory, a link included, to work relative to it (O_PATH).</summary>
    /// <param name="directory">Null for the working directory.</param>
    public static SafeFileHandle OpenPath(SafeFileHandle? directory, string name) =>
        new(openat(Number(directory), Text(name), PathOnly | CloseOnExec | NoFollowAtOpen), ownsHandle: true);

    /// <summary>What an open file is; null when the system does not report it.</summary>
    public static FileStatus? StatusOf(SafeFileHandle file) =>
        !file.IsInvalid && statx(Number(file), Text(""), EmptyPath, Kind | Permissions | OwnerAndGroup | Links, out var status) == 0
            ? new FileStatus(status.Mode & KindOfFile, (UnixFileMode)(status.Mode & ~KindOfFile), status.User, status.Names)
            : null;

    /// <summary>The target of an open link; null when it cannot be read.</summary>
    public static string? ReadLink(SafeFileHandle link)
    {
        var target = new byte[4096];
        var length = (int)readlinkat(Number(link), Text(""), target, target.Length);
        return length < 0 ? null : Encoding.UTF8.GetString(target, 0, length);
    }

    /// <summary>Changes the user and group that the kernel checks for files of this thread. Returns the previous ones.</summary>
    public static (uint User, uint Group) SetFileSystemIdentity((uint User, uint Group) identity) =>
        ((uint)setfsuid(identity.User), (uint)setfsgid(identity.Group));

    /// <summary>The failure of the last call of this thread.</summary>
    public static IOException Failure(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        var message = $"{path}: {new Win32Exception(error).Message}";
        return error == Missing ? new DirectoryNotFoundException(message) : new IOException(message, error);
    }

    /// <summary>Whether there is no room left: on the disk, in the quota, or for another open file.</summary>
    public static bool IsFull(IOException e) => e.HResult is NoSpace or QuotaExceeded || IsOutOfDescriptors(e);

    /// <summary>Whether the process or the system can open no more files.</summary>
    public static bool IsOutOfDescriptors(IOException e) => e.HResult is ProcessFull or SystemFull;

    /// <summary>Whether the path exists and is not a regular file: a directory, a link, a pipe, a device.</summary>
    public static bool IsSpecial(string path) =>
        statx(CurrentDirectory, Text(path), NoFollow, Kind, out var status) == 0 && (status.Mode & KindOfFile) != OrdinaryFile;

    /// <summary>The owner of a file or directory; null when it does not exist or the owner is unknown.</summary>
    public static (uint User, uint Group)? OwnerOf(string path) =>
        statx(CurrentDirectory, Text(path), 0, OwnerAndGroup, out var status) == 0 ? (status.User, status.Group) : null;

    public static (uint User, uint Group)? OwnerOf(SafeFileHandle file) =>
        statx(Number(file), Text(""), EmptyPath, OwnerAndGroup, out var status) == 0 ? (status.User, status.Group) : null;

    /// <summary>Changes the owner of an open file; false when this process is not permitted to.</summary>
    public static bool TryChangeOwner(SafeFileHandle file, (uint User, uint Group) owner) =>
        OwnerOf(file) == owner || fchown(Number(file), owner.User, owner.Group) == 0;

    /// <summary>
    /// Atomically creates a hard link; File.Move checks for the name first and renames later. False when the name exists, null when the
    /// file system has no hard links.
    /// </summary>
    public static bool? TryLink(string file, string name) =>
        link(Text(file), Text(name)) == 0 ? true : Marshal.GetLastPInvokeError() == Exists ? false : null;

    /// <summary>Whether a file is a mount point, such as a single file in a container. Always false on kernels before 5.8.</summary>
    public static bool IsMounted(string file) =>
        MountOf(file) is { } mount && MountOf(Path.GetDirectoryName(file) ?? "/") is { } parent && mount != parent;

    /// <summary>Whether an open file is the file at the path, and not one behind a link there.</summary>
    public static bool IsSame(SafeFileHandle file, string path) =>
        statx(Number(file), Text(""), EmptyPath, Inode, out var open) == 0
        && statx(CurrentDirectory, Text(path), NoFollow, Inode, out var named) == 0
        && (open.Inode, open.DeviceMajor, open.DeviceMinor) == (named.Inode, named.DeviceMajor, named.DeviceMinor);

    /// <summary>Reserves disk space for an open file without changing its length, if the file system supports it.</summary>
    /// <exception cref="IOException">The disk or the quota is full.</exception>
    public static void Reserve(SafeFileHandle file, int size)
    {
        var isReserved = fallocate(Number(file), KeepSize, 0, Math.Max(1, size)) == 0;
        if (!isReserved && Marshal.GetLastPInvokeError() is var error and (NoSpace or QuotaExceeded))
        {
            throw new IOException(new Win32Exception(error).Message, error);
        }
    }

    private static ulong? MountOf(string path) =>
        statx(CurrentDirectory, Text(path), 0, Mount, out var status) == 0 && (status.Mask & Mount) != 0 ? status.Mount : null;

    private static int Number(SafeFileHandle? file) => (int?)file?.DangerousGetHandle() ?? CurrentDirectory;

    private static byte[] Text(string path) => Encoding.UTF8.GetBytes(path + '\0');

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open(byte[] path, int flags, uint mode);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int flock(int file, int operation);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int openat(int directory, byte[] path, int flags);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint readlinkat(int directory, byte[] path, byte[] target, nint size);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint geteuid();

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setfsuid(uint user);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setfsgid(uint group);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int link(byte[] file, byte[] name);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fchown(int file, uint user, uint group);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fallocate(int file, int mode, long offset, long length);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int statx(int directory, byte[] path, int flags, uint mask, out Status status);

    /// <summary>The kernel's struct statx, which has the same layout on every processor; only the fields that are used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(16)] public uint Names;
        [FieldOffset(20)] public uint User;
        [FieldOffset(24)] public uint Group;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
        [FieldOffset(144)] public ulong Mount;
    }

    /// <param name="Owner">The user ID.</param>
    /// <param name="Names">The number of hard links.</param>
    internal readonly record struct FileStatus(int Kind, UnixFileMode Mode, uint Owner, uint Names)
    {
        public bool IsFile => Kind == OrdinaryFile;

        public bool IsDirectory => Kind == DirectoryFile;

        public bool IsLink => Kind == LinkFile;

        /// <summary>Whether only root can rename or remove what root put into the directory.</summary>
        public bool IsOnlyRoots => Owner == Root
            && ((Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0 || Mode.HasFlag(UnixFileMode.StickyBit));
    }
}

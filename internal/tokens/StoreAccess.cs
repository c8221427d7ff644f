namespace Exporter.Tokens;

/// <summary>How the current command uses the files of accounts and their directories.</summary>
public enum StoreAccess
{
    /// <summary>With the rights of the process, which owns the files.</summary>
    Service,

    /// <summary>
    /// For a command that root runs beside a service: with the rights of the owner of each directory, and without following a link that the
    /// service's user could have planted. The same as <see cref="Service"/> for every other user.
    /// </summary>
    Command,

    /// <summary>As <see cref="Command"/>, and nothing is changed.</summary>
    ReadOnlyCommand,
}

/// <summary>The access of the current command. It flows with the command's asynchronous work, and not to other commands.</summary>
public static class CurrentStoreAccess
{
    private static readonly AsyncLocal<StoreAccess> Current = new();

    public static StoreAccess Value
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    public static bool IsReadOnly => Value == StoreAccess.ReadOnlyCommand;

    /// <summary>Whether a file may configure the command: another user could make a command of root send or write its secrets.</summary>
    public static bool Trusts(string path) => !IsOwners || OpenDirectory.IsOnlyRoots(path);

    /// <summary>Whether files are used with the rights of the owner of their directory.</summary>
    public static bool IsOwners => Value != StoreAccess.Service && Posix.IsRoot;
}

namespace Exporter.Accounts;

/// <summary>The meaning of exit codes. The help of every command lists them.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>The user must act first: fix the configuration, or log in.</summary>
    public const int Failed = 1;

    /// <summary>The provider or the network is not available, or the command was interrupted. The same command may succeed later.</summary>
    public const int TryLater = 2;
}

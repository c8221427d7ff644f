namespace Exporter.Accounts;

/// <summary>The program's own directory, for files that no account names a path for.</summary>
public static class StateDirectory
{
    public static readonly Setting<string> Setting = Settings.Path("state_folder",
        "Directory for files without a configured path. The default is systemd's, otherwise exporter in the user's state directory.",
        flag: "--state-folder", variable: "EXPORTER_STATE_FOLDER");

    /// <summary><c>STATE_DIRECTORY</c> as systemd sets it (the first of several), otherwise by the XDG base directory specification.</summary>
    public static string Default =>
        Variable("STATE_DIRECTORY") is { } systemd ? systemd.Split(':')[0]
        : Variable("XDG_STATE_HOME") is { } state && Path.IsPathRooted(state) ? Path.Combine(state, "exporter")
        : Variable("HOME") is { } home ? Path.Combine(home, ".local", "state", "exporter")
        : "/var/lib/exporter";

    /// <summary>Whether the user or systemd configured the directory, so that tokens may be kept in it.</summary>
    public static bool IsConfigured(Section program) => program.Find(Setting) is not null || Variable("STATE_DIRECTORY") is not null;

    public static string Read(Section program) => program.Find(Setting) ?? Default;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

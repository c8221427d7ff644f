namespace Exporter.Accounts;

/// <summary>
/// The syntax of a command that a source adds to the program. An opened account implements it (<see cref="Account.Commands"/>), because the
/// options, the client and the token manager are available there.
/// </summary>
/// <param name="Name">One word, or several that are typed in order: <c>source things list</c>.</param>
public sealed record SourceCommand(IReadOnlyList<string> Name, string Help)
{
    /// <summary>Runs the command without an account and without a valid configuration; null for a command of an account.</summary>
    public Func<CommandCall, CancellationToken, Task<int>>? RunAsync { get; init; }

    /// <summary>If there are any, <c>--account</c> selects the account; otherwise the account is the command's argument.</summary>
    public IReadOnlyList<CommandArgument> Arguments { get; init; } = [];

    public IReadOnlyList<CommandOption> Options { get; init; } = [];

    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>The few settings of the account that the help of this command shows.</summary>
    public IReadOnlyList<Setting> Settings { get; init; } = [];
}

/// <param name="Name">In capitals, as in the help: <c>ID</c>.</param>
/// <param name="IsRepeated">Whether there may be several; only the last argument may be.</param>
public sealed record CommandArgument(string Name, string Help, bool IsRequired = true, bool IsRepeated = false);

/// <param name="Name">With its dashes: <c>--json</c>.</param>
/// <param name="Placeholder">The placeholder of its value in the help; null makes it a switch.</param>
public sealed record CommandOption(string Name, string Help, string? Placeholder = null);

/// <summary>One call of a <see cref="SourceCommand"/>.</summary>
/// <param name="Values">
/// The values on the command line, except the repeated argument, by the names of arguments and options; a switch has an empty value.
/// </param>
/// <param name="LogInAsync">
/// Ensures a usable token: renews it, or logs the user in on this terminal. Messages go to its error output. Returns
/// <see cref="ExitCode.Done"/>; otherwise the exit code to return, after the error was printed.
/// </param>
public sealed record CommandCall(
    IReadOnlyDictionary<string, string> Values, Terminal Terminal, TimeProvider Time, Func<CancellationToken, Task<int>> LogInAsync)
{
    /// <summary>The values of the repeated argument.</summary>
    public IReadOnlyList<string> Repeated { get; init; } = [];

    public bool Has(string name) => Values.ContainsKey(name);

    /// <summary>The value of an argument or an option; null if the command line has none.</summary>
    public string? Value(string name) => Values.GetValueOrDefault(name);
}

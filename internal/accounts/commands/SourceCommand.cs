namespace Exporter.Accounts;

/// <summary>
/// A command that a source adds to the program: how it is called. What it does belongs to an opened account
/// (<see cref="Account.Commands"/>), where the options, the client and the token manager are at hand.
/// </summary>
/// <param name="name">One word, or several that are typed one after the other: <c>source things list</c>.</param>
/// <param name="help">A sentence.</param>
public sealed class SourceCommand(IReadOnlyList<string> name, string help)
{
    public IReadOnlyList<string> Name => name;

    public string Help => help;

    /// <summary>With any, the account is chosen by <c>--account</c>; without, it is the command's own argument.</summary>
    public IReadOnlyList<CommandArgument> Arguments { get; init; } = [];

    public IReadOnlyList<CommandOption> Options { get; init; } = [];

    /// <summary>Calls as they are typed, for the help.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}

/// <param name="Name">In capitals, as in the help: <c>ID</c>.</param>
public sealed record CommandArgument(string Name, string Help, bool IsRequired = true);

/// <param name="Name">With its dashes: <c>--json</c>.</param>
/// <param name="Placeholder">What stands for its value in the help; null makes it a switch.</param>
public sealed record CommandOption(string Name, string Help, string? Placeholder = null);

/// <summary>One call of a <see cref="SourceCommand"/>.</summary>
/// <param name="given">What was typed, by the names of arguments and options; a switch has an empty value.</param>
/// <param name="logIn">See <see cref="LogInAsync"/>.</param>
public sealed class CommandCall(IReadOnlyDictionary<string, string> given, Terminal terminal, TimeProvider time, Func<CancellationToken, Task<int>> logIn)
{
    public Terminal Terminal => terminal;

    public TimeProvider Time => time;

    public bool Has(string name) => given.ContainsKey(name);

    /// <summary>The value of an argument or an option; null when it was not given.</summary>
    public string? Value(string name) => given.GetValueOrDefault(name);

    /// <summary>
    /// Sees to a token that can be used now: renews it, or logs a person in on this terminal, with everything said on its error output.
    /// </summary>
    /// <returns><see cref="ExitCode.Done"/>; else the exit code to end with, and the reason has been said.</returns>
    public Task<int> LogInAsync(CancellationToken cancellationToken) => logIn(cancellationToken);
}

namespace Exporter;

/// <summary>What the help of a command shows beside its arguments and options.</summary>
/// <param name="Examples">Example calls, as typed.</param>
/// <param name="Settings">The few settings that matter to the command. It accepts all others too.</param>
internal sealed record CommandNotes(CommandGroup Group, IReadOnlyList<string> Examples, IReadOnlyList<Setting> Settings)
{
    /// <summary>Whether a surplus argument is only a warning, as in the program that the command replaces.</summary>
    public bool IgnoresSurplusArguments { get; init; }
}

/// <summary>The sections of the program's help, in order.</summary>
internal enum CommandGroup
{
    Exporter,
    Accounts,
    Sources,
    Tools,
}

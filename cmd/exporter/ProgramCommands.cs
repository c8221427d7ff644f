using System.CommandLine;

namespace Exporter;

/// <summary>All commands of the program.</summary>
internal static class ProgramCommands
{
    public static void AddCommands(this CommandLine program)
    {
        ServeCommand.AddTo(program);
        CheckCommand.AddTo(program);
        HealthCommand.AddTo(program);
        HashPasswordCommand.AddTo(program);
        KeepCommand.AddTo(program);
        LoginCommand.AddTo(program);
        LoginLinkCommand.AddTo(program);
        RefreshCommand.AddTo(program);
        TokenCommand.AddTo(program);
        LogoutCommand.AddTo(program);
        StatusCommand.AddTo(program);
        SourceCommands.AddTo(program);
    }

    public static Argument<string?> AccountArgument() =>
        new("ACCOUNT") { Arity = ArgumentArity.ZeroOrOne, Description = "The account. Optional if there is only one." };

    public static Option<bool> Switch(string name, string help, params string[] aliases) => new(name, aliases) { Description = help };
}

namespace Exporter;

/// <summary>
/// <c>completion</c>: prints the script that completes commands, flags, choices and account names in a shell. The scripts ask the program, so
/// that they contain no list of their own and can complete the accounts of a configuration file.
/// </summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        // COMP_LINE is the whole line. Bash splits words at = and :, so it needs only what follows the last of them.
        ["bash"] = """
            # bash completion for oauth-exporter. To use it now: source <(oauth-exporter completion bash)
            _oauth_exporter() {
                local line=${COMP_LINE:0:COMP_POINT} word
                word=${line##* }
                COMPREPLY=()
                while IFS=$'\t' read -r reply _; do
                    COMPREPLY+=("${reply#"${word%"${2##*[=:]}"}"}")
                done < <("$1" completion --suggest "$line" 2>/dev/null)
            }
            complete -o bashdefault -o default -F _oauth_exporter oauth-exporter
            """,
        ["zsh"] = """
            #compdef oauth-exporter
            # zsh completion for oauth-exporter. To use it now: source <(oauth-exporter completion zsh)
            _oauth_exporter() {
                local line word help
                local -a suggestions
                line="${(j: :)words[1,CURRENT-1]} ${words[CURRENT]}"
                while IFS=$'\t' read -r word help; do
                    suggestions+=("${word//:/\\:}:$help")
                done < <("${words[1]}" completion --suggest "$line" 2>/dev/null)
                if (( ${#suggestions} )); then
                    _describe 'oauth-exporter' suggestions
                else
                    [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='
                    _files
                fi
            }
            if [ "$funcstack[1]" = "_oauth_exporter" ]; then
                _oauth_exporter "$@"
            else
                compdef _oauth_exporter oauth-exporter
            fi
            """,
        ["fish"] = """
            # fish completion for oauth-exporter. To use it now: oauth-exporter completion fish | source
            function __oauth_exporter_suggest
                set -l tokens (commandline --tokenize --cut-at-cursor --current-process)
                set -l line (string join ' ' -- (commandline --cut-at-cursor --current-process))
                set -g __oauth_exporter_words ($tokens[1] completion --suggest $line 2>/dev/null)
                test (count $__oauth_exporter_words) -gt 0
            end
            # Without a suggestion, fish completes names of files.
            complete --command oauth-exporter --condition __oauth_exporter_suggest --no-files --arguments '$__oauth_exporter_words'
            """,
    };

    public static void AddTo(CommandLine program)
    {
        var shell = new Argument<string?>("SHELL")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = $"One of {string.Join(", ", Scripts.Keys)}.",
        };
        shell.CompletionSources.Add([.. Scripts.Keys]);
        var suggest = new Option<string?>("--suggest") { Hidden = true };
        program.AddUnconfigured(
            new Command("completion", "Prints a completion script for a shell. It completes commands, flags and accounts.") { shell, suggest },
            new(CommandGroup.Tools,
                [
                    "source <(oauth-exporter completion bash)",
                    "oauth-exporter completion zsh > ~/.zfunc/_oauth-exporter",
                    "oauth-exporter completion fish | source",
                ],
                []),
            (result, _) => Task.FromResult(result.GetValue(suggest) is { } line
                ? Suggest(program, line)
                : Print(program.Terminal, result.GetValue(shell))));
    }

    private static int Print(Terminal terminal, string? shell)
    {
        var choice = $"choose one of {string.Join(", ", Scripts.Keys)}";
        if (shell is null)
        {
            return terminal.Fail($"{CommandLine.ProgramName} completion: missing SHELL; {choice}");
        }
        if (Scripts.GetValueOrDefault(shell) is not { } script)
        {
            return terminal.Fail($"{Sanitize.Line(shell, 60)}: there is no script for this shell{Nearest.Remedy(shell, Scripts.Keys, choice)}");
        }
        terminal.Output.WriteLine(script.ReplaceLineEndings("\n")
            .Replace(CommandLine.Home, CommandLine.ProgramName, StringComparison.Ordinal)
            .Replace("oauth_exporter", CommandLine.ProgramName.Replace('-', '_'), StringComparison.Ordinal));
        return ExitCode.Done;
    }

    /// <summary>Prints a line for each word that can stand at the end of the line: the word, a tab, and its explanation if it has one.</summary>
    private static int Suggest(CommandLine program, string line)
    {
        foreach (var (word, help) in program.Complete(line))
        {
            program.Terminal.Output.WriteLine(help is null ? word : $"{word}\t{Sanitize.Line(help)}");
        }
        return ExitCode.Done;
    }
}

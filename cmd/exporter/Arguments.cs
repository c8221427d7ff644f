using Exporter.Accounts;

namespace Exporter;

/// <summary>
/// The arguments as netatmo-exporter's users write them, in the one form that leaves nothing to guess: <c>--flag=value</c>.
/// <c>-a:9210</c> means the value <c>:9210</c>, <c>-s @text</c> means that text, a value may begin with a dash, and a switch
/// takes a value only after an equals sign.
/// </summary>
internal static class Arguments
{
    public static IEnumerable<string> Normalise(IReadOnlyList<string> arguments, IEnumerable<Setting> settings)
    {
        var flags = settings.Where(s => s.Flag is not null).DistinctBy(s => s.Flag).ToDictionary(s => s.Flag!);
        var letters = flags.Values.Where(s => s.ShortFlag is not null).ToDictionary(s => s.ShortFlag!.Value);
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                // What follows is no flag; it stays what it is.
                foreach (var rest in arguments.Skip(i))
                {
                    yield return rest;
                }
                yield break;
            }
            if (Find(argument) is not { } found)
            {
                yield return argument;
            }
            else if (found.Value is { } value)
            {
                yield return $"{found.Setting.Flag}={value}";
            }
            else if (found.Setting.IsSwitch)
            {
                yield return $"{found.Setting.Flag}=true";
            }
            else if (i + 1 < arguments.Count)
            {
                yield return $"{found.Setting.Flag}={arguments[++i]}";
            }
            else
            {
                yield return found.Setting.Flag!;
            }
        }

        (Setting Setting, string? Value)? Find(string argument)
        {
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                var equals = argument.IndexOf('=', StringComparison.Ordinal);
                var name = equals < 0 ? argument : argument[..equals];
                return flags.TryGetValue(name, out var setting) ? (setting, equals < 0 ? null : argument[(equals + 1)..]) : null;
            }
            if (argument.Length < 2 || argument[0] != '-' || !letters.TryGetValue(argument[1], out var lettered))
            {
                return null;
            }
            return (lettered, argument.Length == 2 ? null : argument[2] == '=' ? argument[3..] : argument[2..]);
        }
    }
}

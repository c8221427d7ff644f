namespace Exporter;

/// <summary>
/// Rewrites flags in the notations of netatmo-exporter to the one unambiguous form, <c>--flag=value</c>. <c>-a:9210</c> has the value
/// <c>:9210</c>, <c>-s @text</c> has that text. A value may start with a dash. A switch takes a value only after an equals sign. An option of
/// the command itself may also have its value attached, as in PHP's getopt: <c>-m120</c>.
/// </summary>
internal static class ArgumentNormalizer
{
    /// <param name="valued">The short options of the command that have a value.</param>
    public static IEnumerable<string> Normalize(
        IReadOnlyList<string> arguments, IEnumerable<Setting> settings, IReadOnlyCollection<string>? valued = null)
    {
        var flags = settings.Where(s => s.Flag is not null).DistinctBy(s => s.Flag).ToDictionary(s => s.Flag!);
        var letters = flags.Values.Where(s => s.ShortFlag is not null).ToDictionary(s => s.ShortFlag!.Value);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--")
            {
                foreach (var rest in arguments.Skip(i))
                {
                    yield return rest;
                }
                yield break;
            }
            yield return Find(arguments[i]) switch
            {
                null => Attached(arguments[i]) ? $"{arguments[i][..2]}={arguments[i][2..]}" : arguments[i],
                (var flag, { } value, _) => $"{flag}={value}",
                (var flag, null, IsSwitch: true) => $"{flag}=true",
                (var flag, null, _) => i + 1 < arguments.Count ? $"{flag}={arguments[++i]}" : flag,
            };
        }

        bool Attached(string argument) => argument.Length > 2 && argument[2] is not ('=' or ':') && valued?.Contains(argument[..2]) == true;

        (string Flag, string? Value, bool IsSwitch)? Find(string argument)
        {
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                var parts = argument.Split('=', 2);
                return flags.TryGetValue(parts[0], out var setting) ? (setting.Flag!, parts.ElementAtOrDefault(1), setting.IsSwitch) : null;
            }
            if (argument.Length < 2 || argument[0] != '-' || !letters.TryGetValue(argument[1], out var lettered))
            {
                return null;
            }
            return (lettered.Flag!, argument.Length == 2 ? null : argument[2] == '=' ? argument[3..] : argument[2..], lettered.IsSwitch);
        }
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Exporter.Http;

/// <summary>Reads the texts of a module: formulas, templates and durations. It fills in the account's settings.</summary>
/// <param name="declared">The settings of the module.</param>
/// <param name="values">The values of the account.</param>
internal sealed class ModuleText(ModuleProblems problems, IReadOnlyList<ModuleSetting> declared, IReadOnlyDictionary<string, string> values)
{
    private static readonly Formula Nothing = Accounts.Formula.Parse("null", []).Value!;

    public ModuleProblems Problems => problems;

    /// <summary>The requests so far, to explain why a name has no value at a place.</summary>
    public IReadOnlyList<ModuleRequest> Requests { get; set; } = [];

    /// <summary>The values of secret settings.</summary>
    public IReadOnlyList<string> Secrets =>
        [.. declared.Where(setting => setting.IsSecret).Select(setting => values.GetValueOrDefault(setting.Name)).OfType<string>()];

    /// <summary>A hash of the file and of all settings. It is not stored, because secrets can be short.</summary>
    public string Fingerprint(string file)
    {
        var settings = values.OrderBy(value => value.Key, StringComparer.Ordinal).SelectMany(value => new[] { value.Key, value.Value });
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', [file, .. settings]))));
    }

    /// <summary>Whether a template contains a secret setting.</summary>
    public bool UsesSecret { get; private set; }

    /// <summary>Null without a value, and after a mistake.</summary>
    /// <param name="names">The names that the formula may use with a dollar sign.</param>
    public Formula? Formula(YamlValue? at, IReadOnlyCollection<string> names)
    {
        if (at is not YamlValue.Scalar { Text: { } text } scalar)
        {
            return null;
        }
        if (text.Contains("${", StringComparison.Ordinal))
        {
            problems.Add(at, "a formula cannot contain a setting, because settings do not become values or labels; remove it",
                text.IndexOf("${", StringComparison.Ordinal));
            return null;
        }
        return Formula(text, scalar, 0, names);
    }

    public IReadOnlyList<PageParameter> Formulas(IEnumerable<YamlEntry> entries, IReadOnlyCollection<string> names) =>
        [.. from entry in entries
            let formula = Formula(entry.Value, names)
            where formula is not null
            select new PageParameter(entry.Key, formula)];

    /// <summary>The loops of <c>for:</c>. Each may use the variables of those before it.</summary>
    public IReadOnlyList<FormulaLoop> Loops(
        IEnumerable<YamlEntry> entries, Func<IReadOnlyList<string>, IReadOnlyCollection<string>> namesWithin, IEnumerable<string> taken)
    {
        var loops = new List<FormulaLoop>();
        foreach (var entry in entries)
        {
            if (entry.Key.Length == 0 || !entry.Key.All(c => char.IsLetterOrDigit(c) || c == '_'))
            {
                problems.Add(entry, "a variable's name has letters, digits and _ only; rename it");
            }
            else if (taken.Contains(entry.Key) || loops.Any(loop => loop.Name == entry.Key))
            {
                problems.Add(entry, $"${entry.Key} is already the name of something else; rename it");
            }
            else
            {
                // A loop with a mistake is empty, so that formulas that use its variable are no mistakes too.
                loops.Add(new FormulaLoop(entry.Key, Formula(entry.Value, namesWithin([.. loops.Select(loop => loop.Name)])) ?? Nothing));
            }
        }
        return loops;
    }

    /// <summary>A text with formulas and settings; null after a mistake.</summary>
    /// <param name="names">The names that its formulas may use; null if it must have no formulas.</param>
    /// <param name="mayBeSecret">Whether it may contain secret settings.</param>
    public Template? Template(YamlValue? at, IReadOnlyCollection<string>? names, bool mayBeSecret)
    {
        if (at is not YamlValue.Scalar { Text: { } text } scalar)
        {
            return null;
        }
        var parts = new List<TemplatePart>();
        var (literal, i, isGood) = ("", 0, true);
        while (i < text.Length)
        {
            if (text.AsSpan(i).StartsWith("{{") || text.AsSpan(i).StartsWith("}}"))
            {
                literal += text[i];
                i += 2;
            }
            else if (text.AsSpan(i).StartsWith("${"))
            {
                var end = text.IndexOf('}', i);
                var value = end < 0 ? Mistake("this ${ has no }; close it") : Setting(scalar, text[(i + 2)..end], i, mayBeSecret);
                isGood &= value is not null;
                literal += value;
                i = end < 0 ? text.Length : end + 1;
            }
            else if (text[i] == '{')
            {
                var end = EndOfFormula(text, i + 1);
                var formula = end < 0 ? null : names is null ? null : Formula(text[(i + 1)..end], scalar, i + 1, names);
                _ = end < 0 ? Mistake("this { has no }; close it, or write {{ for a brace")
                    : names is null ? Mistake("there is nothing to compute here; write {{ for a brace, or ${name} for a setting") : null;
                isGood &= formula is not null;
                parts.Add(new TemplatePart(literal, null));
                parts.Add(new TemplatePart(null, formula));
                (literal, i) = ("", end < 0 ? text.Length : end + 1);
            }
            else
            {
                literal += text[i++];
            }
        }
        parts.Add(new TemplatePart(literal, null));
        return isGood ? new Template([.. parts.Where(part => part.Formula is not null || part.Text!.Length > 0)]) : null;

        string? Mistake(string sentence)
        {
            problems.Add(scalar, sentence, Offset(scalar, i));
            return null;
        }
    }

    public IReadOnlyList<ModuleParameter> Templates(IEnumerable<YamlEntry> entries, IReadOnlyCollection<string>? names) =>
        [.. from entry in entries
            let template = Template(entry.Value, names, mayBeSecret: true)
            where template is not null
            select new ModuleParameter(entry.Key, template)];

    /// <summary>A text without formulas, with the settings filled in.</summary>
    public string? Text(YamlValue? at, bool mayBeSecret = false) => Template(at, names: null, mayBeSecret) is { } template ? template.ToString()
        : null;

    public TimeSpan? Duration(YamlValue? at, TimeSpan least)
    {
        if (Text(at) is not { } text)
        {
            return null;
        }
        var (duration, problem) = GoDuration.Parse(text);
        problem ??= duration < least ? $"the shortest time here is {GoDuration.Text(least)}" : null;
        if (problem is null)
        {
            return duration;
        }
        problems.Add(at!, problem);
        return null;
    }

    private static int EndOfFormula(string text, int from)
    {
        var quote = '\0';
        for (var i = from; i < text.Length; i++)
        {
            quote = quote == '\0' ? text[i] is '\'' or '"' ? text[i] : '\0' : text[i] == quote ? '\0' : quote;
            if (quote == '\0' && text[i] == '}')
            {
                return i;
            }
        }
        return -1;
    }

    private static int Offset(YamlValue.Scalar scalar, int index) => index + (scalar.IsPlain ? 0 : 1);

    private Formula? Formula(string text, YamlValue.Scalar at, int start, IReadOnlyCollection<string> names)
    {
        var (formula, mistake) = Accounts.Formula.Parse(text, names);
        if (mistake is not null)
        {
            var request = Requests.FirstOrDefault(one => one.Loops.Count > 0
                && text.AsSpan(mistake.Position).StartsWith("$" + one.Name, StringComparison.Ordinal) && !names.Contains(one.Name));
            problems.Add(
                at,
                request is null ? mistake.Sentence
                    : $"${request.Name} has one answer for each {string.Join(
                        ", ", request.Loops.Select(loop => "$" + loop.Name))}; use it in loops with the same names",
                Offset(at, start + mistake.Position));
        }
        return formula;
    }

    private string? Setting(YamlValue.Scalar at, string name, int index, bool mayBeSecret)
    {
        if (declared.FirstOrDefault(setting => setting.Name == name) is not { } setting)
        {
            problems.Add(at, $"the module declares no setting {Sanitize.Line(name, 60)}"
                + Nearest.Remedy(name, declared.Select(one => one.Name), "add it below settings:"), Offset(at, index));
            return null;
        }
        if (setting.IsSecret && !mayBeSecret)
        {
            problems.Add(at, $"the setting {name} is secret, so it may be in headers, query, form and JSON only; move it there", Offset(at, index));
            return null;
        }
        UsesSecret |= setting.IsSecret;
        return values.GetValueOrDefault(name) ?? setting.Default ?? "";
    }
}

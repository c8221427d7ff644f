using Exporter.Tokens;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Exporter.Accounts;

/// <summary>What stands in the file, with its lines.</summary>
public abstract record YamlValue(int Line)
{
    /// <summary>Null where nothing stands behind the colon.</summary>
    public sealed record Scalar(string? Text, int Line) : YamlValue(Line);

    public sealed record List(IReadOnlyList<YamlValue> Items, int Line) : YamlValue(Line);

    public sealed record Map(IReadOnlyList<YamlEntry> Entries, int Line) : YamlValue(Line);
}

/// <param name="Line">The key's; a value may begin below it.</param>
public sealed record YamlEntry(string Key, YamlValue Value, int Line);

/// <summary>
/// Reads a YAML file from the parser's events. YamlDotNet's own tree is not used: it ends at the first duplicate key, overflows the stack
/// on deep nesting, and hashes keys that are collections, which aliases make exponential. Here all of these are problems of one line.
/// </summary>
public sealed class YamlFile
{
    public const int Largest = 1 << 20;
    private const int Deepest = 16;

    private readonly string name;
    private readonly Parser parser;
    private readonly Problems problems;
    private readonly Dictionary<string, YamlValue> anchors = new(StringComparer.Ordinal);

    private YamlFile(string name, string text, Problems problems)
    {
        this.name = name;
        this.problems = problems;
        parser = new Parser(new StringReader(text));
    }

    /// <summary>The mapping at the top of the file (empty, if the file is); null, and a problem, if there is none to speak of.</summary>
    /// <param name="name">As the person wrote it, for the problems.</param>
    internal static YamlValue.Map? Read(string name, string path, Problems problems)
    {
        var (text, problem) = SmallFile.Read(path, Largest);
        if (text is null)
        {
            problems.Add(new Problem(name, problem!));
            return null;
        }

        return Parse(name, text, problems);
    }

    /// <summary>The same for a text that has been read already, and its problems.</summary>
    public static (YamlValue.Map? Top, IReadOnlyList<Problem> Problems) Parse(string name, string text)
    {
        var problems = new Problems();
        return (Parse(name, text, problems), problems.All);
    }

    private static YamlValue.Map? Parse(string name, string text, Problems problems)
    {
        try
        {
            return new YamlFile(name, text, problems).Document();
        }
        catch (TooDeepException e)
        {
            problems.Add(new Problem($"{name}:{e.Line}", $"this is nested more than {Deepest} levels deep; no setting is") { Line = e.Line });
        }
        catch (YamlException e)
        {
            problems.Add(Syntax(name, text, (int)e.Start.Line, (int)e.Start.Column, e.Message));
        }
        catch (InvalidOperationException)
        {
            // The scanner's own slip, at a flow collection ([ or {) that a new key cuts off; it does not say where.
            problems.Add(new Problem(name, "this is not YAML: a [ or { is never closed; close it"));
        }

        return null;
    }

    private YamlValue.Map? Document()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return new YamlValue.Map([], 1);
        }

        parser.Consume<DocumentStart>();
        var top = Value(depth: 0);
        parser.Consume<DocumentEnd>();
        if (parser.Accept<DocumentStart>(out var second))
        {
            Problem(Line(second), "a second document begins; put everything into one");
        }

        switch (top)
        {
            case YamlValue.Map map:
                return map;
            case YamlValue.Scalar { Text: null }:
                return new YamlValue.Map([], 1);
            default:
                Problem(top.Line, "a configuration file consists of lines with KEY: VALUE, and this is none");
                return null;
        }
    }

    private YamlValue Value(int depth)
    {
        var at = Line(parser.Current!);
        if (depth > Deepest)
        {
            throw new TooDeepException(at);
        }

        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            return Aliased(alias.Value.Value, at);
        }

        if (parser.Current is NodeEvent { Tag.IsEmpty: false } tagged && !tagged.Tag.IsNonSpecific && tagged.Tag.Value != "tag:yaml.org,2002:str")
        {
            Problem(at, $"the tag {Quote.Of(tagged.Tag.Value)} means nothing here; remove it");
        }

        var anchor = (parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        YamlValue value = parser.Current switch
        {
            MappingStart => Map(depth),
            SequenceStart => List(depth),
            _ => Scalar(parser.Consume<Scalar>()),
        };
        if (!anchor.IsEmpty)
        {
            anchors[anchor.Value] = value;
        }

        return value;
    }

    private static YamlValue.Scalar Scalar(Scalar scalar) =>
        new(scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL" ? null : scalar.Value, Line(scalar));

    private YamlValue.List List(int depth)
    {
        var at = Line(parser.Consume<SequenceStart>());
        var items = new List<YamlValue>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Value(depth + 1));
        }

        return new YamlValue.List(items, at);
    }

    private YamlValue.Map Map(int depth)
    {
        var at = Line(parser.Consume<MappingStart>());
        var entries = new List<YamlEntry>();
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var line = Line(parser.Current!);
            var key = (parser.Current, Value(depth + 1)) is (Scalar written, YamlValue.Scalar) ? written.Value : null;
            var value = Value(depth + 1);
            if (key is null)
            {
                Problem(line, "a key has to be a plain name; write the name out");
            }
            else if (key == "<<")
            {
                Problem(line, "merge keys (<<) are not supported; write the settings out");
            }
            else if (!first.TryAdd(key, line))
            {
                Problem(line, $"the key {Quote.Plain(key)} stands here a second time, first on line {first[key]}; keep one");
            }
            else
            {
                entries.Add(new YamlEntry(key, value, line));
            }
        }

        return new YamlValue.Map(entries, at);
    }

    /// <summary>An alias stands for a single value, so that a small file cannot become a large one.</summary>
    private YamlValue.Scalar Aliased(string anchor, int line)
    {
        if (anchors.GetValueOrDefault(anchor) is YamlValue.Scalar scalar)
        {
            return scalar with { Line = line };
        }

        Problem(line, anchors.ContainsKey(anchor)
            ? $"the alias *{Quote.Plain(anchor)} stands for more than one value; write the settings out"
            : $"nothing before this line is called &{Quote.Plain(anchor)}; write the value out");
        return new YamlValue.Scalar("", line);
    }

    private void Problem(int line, string sentence) => problems.Add(new Problem($"{name}:{line}", sentence) { Line = line });

    private static int Line(ParsingEvent parsed) => (int)parsed.Start.Line;

    /// <summary>The parser's words as one line like ours, and the line of a tab, which it finds before it gets there.</summary>
    private static Problem Syntax(string name, string text, int line, int column, string message)
    {
        if (message.Contains("tab", StringComparison.Ordinal))
        {
            var tab = text.Split('\n').Skip(line - 1).TakeWhile(next => !next[..^next.TrimStart().Length].Contains('\t', StringComparison.Ordinal)).Count();
            return new Problem($"{name}:{line + tab}", "a tab stands where YAML wants spaces; indent with spaces") { Line = line + tab };
        }

        var words = message.TrimEnd('.');
        return new Problem($"{name}:{line}:{column}", $"this is not YAML: {char.ToLowerInvariant(words[0])}{Quote.Plain(words[1..], 160)}") { Line = line };
    }

    private sealed class TooDeepException(int line) : Exception
    {
        public int Line => line;
    }
}

using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Exporter.Accounts;

public abstract record YamlValue(int Line)
{
    /// <summary>Of its first character, from 1.</summary>
    public int Column { get; init; }

    /// <param name="Text">Null if there is no value after the colon.</param>
    public sealed record Scalar(string? Text, int Line) : YamlValue(Line)
    {
        /// <summary>Whether it is written without quotes, in one line, so that each character has a position.</summary>
        public bool IsPlain { get; init; }
    }

    public sealed record List(IReadOnlyList<YamlValue> Items, int Line) : YamlValue(Line);

    public sealed record Map(IReadOnlyList<YamlEntry> Entries, int Line) : YamlValue(Line);
}

/// <param name="Line">The line of the key; the value may start on a later line.</param>
public sealed record YamlEntry(string Key, YamlValue Value, int Line)
{
    /// <summary>Of the key's first character, from 1.</summary>
    public int Column { get; init; }
}

/// <summary>
/// Reads a YAML file from the parser's events, and reports every error as one line. YamlDotNet's own tree stops at the first duplicate key,
/// overflows the stack on deep nesting, and hashes keys that are collections, which aliases make exponential.
/// </summary>
public sealed class YamlFile
{
    public const int Largest = 1 << 20;
    private const int Deepest = 16;

    private readonly string name;
    private readonly string text;
    private readonly Parser parser;
    private readonly Problems problems;
    private readonly Dictionary<string, YamlValue> anchors = new(StringComparer.Ordinal);

    /// <summary>The lines of the flow collections ([ or {) that are open.</summary>
    private readonly Stack<int> flows = [];

    private YamlFile(string name, string text, Problems problems) =>
        (this.name, this.text, this.problems, parser) = (name, text, problems, new Parser(new StringReader(text)));

    /// <summary>The mapping at the top of the file, empty for an empty file; null, with a problem, if there is none.</summary>
    /// <param name="name">The file's name as the user wrote it, for messages.</param>
    internal static YamlValue.Map? Read(string name, string path, Problems problems)
    {
        var (text, problem) = SmallFile.Read(path, Largest);
        if (text is not null)
        {
            return new YamlFile(name, text, problems).Read();
        }
        problems.Add(new Problem(name, problem!));
        return null;
    }

    public static (YamlValue.Map? Top, IReadOnlyList<Problem> Problems) Parse(string name, string text)
    {
        var problems = new Problems();
        return (new YamlFile(name, text, problems).Read(), problems.All);
    }

    private YamlValue.Map? Read()
    {
        try
        {
            return ReadDocument();
        }
        catch (TooDeepException e)
        {
            Report(e.Line, $"this is nested more than {Deepest} levels deep; no setting is");
        }
        catch (YamlException e)
        {
            ReportSyntax(e);
        }
        catch (InvalidOperationException)
        {
            // A bug of YamlDotNet's scanner for a flow collection ([ or {) with a line of less indentation. The exception has no position.
            var open = flows.TryPeek(out var line) ? line : 1;
            if (WithoutTabLines(open) is { } cleaned)
            {
                return new YamlFile(name, cleaned, problems).Read();
            }
            Report(open, "this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end");
        }
        return null;
    }

    private YamlValue.Map? ReadDocument()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return new YamlValue.Map([], 1);
        }
        parser.Consume<DocumentStart>();
        var top = ReadValue(depth: 0);
        parser.Consume<DocumentEnd>();
        if (parser.Accept<DocumentStart>(out var second))
        {
            Report(Line(second), "a second document starts here; put everything into one");
        }
        if (top is YamlValue.Map or YamlValue.Scalar { Text: null })
        {
            return top as YamlValue.Map ?? new YamlValue.Map([], 1);
        }
        Report(top.Line, "a configuration file consists of lines with KEY: VALUE; write it so");
        return null;
    }

    private YamlValue ReadValue(int depth)
    {
        var at = Line(parser.Current!);
        if (depth > Deepest)
        {
            throw new TooDeepException(at);
        }
        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            return ResolveAlias(alias.Value.Value, at);
        }
        if (parser.Current is NodeEvent { Tag.IsEmpty: false } tagged && !tagged.Tag.IsNonSpecific && tagged.Tag.Value != "tag:yaml.org,2002:str")
        {
            Report(at, $"the tag {Quote.Of(tagged.Tag.Value)} is not supported; remove it");
        }
        var anchor = (parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        YamlValue value = parser.Current switch
        {
            MappingStart => ReadMap(depth),
            SequenceStart => ReadList(depth),
            _ => ToScalar(parser.Consume<Scalar>()),
        };
        if (!anchor.IsEmpty)
        {
            anchors[anchor.Value] = value;
        }
        return value;
    }

    private static YamlValue.Scalar ToScalar(Scalar scalar)
    {
        var isPlain = scalar.Style == ScalarStyle.Plain;
        return new(isPlain && scalar.Value is "" or "~" or "null" or "Null" or "NULL" ? null : scalar.Value, Line(scalar))
        {
            Column = (int)scalar.Start.Column,
            IsPlain = isPlain,
        };
    }

    private YamlValue.List ReadList(int depth)
    {
        var start = parser.Consume<SequenceStart>();
        var at = Line(start);
        var items = new List<YamlValue>();
        Open(start.Style == SequenceStyle.Flow, at);
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadValue(depth + 1));
        }
        Close(start.Style == SequenceStyle.Flow);
        return new YamlValue.List(items, at) { Column = (int)start.Start.Column };
    }

    private YamlValue.Map ReadMap(int depth)
    {
        var start = parser.Consume<MappingStart>();
        var at = Line(start);
        Open(start.Style == MappingStyle.Flow, at);
        var entries = new List<YamlEntry>();
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var (line, column) = (Line(parser.Current!), (int)parser.Current!.Start.Column);
            var key = (parser.Current, ReadValue(depth + 1)) is (Scalar written, YamlValue.Scalar) ? written.Value : null;
            var value = ReadValue(depth + 1);
            var wrong = key is null ? "a key must be a plain name; write the name out"
                : key == "<<" ? "merge keys (<<) are not supported; write the settings out"
                : !first.TryAdd(key, line) ? $"duplicate key {Quote.Plain(key)}, first on line {first[key]}; keep one"
                : null;
            if (wrong is null)
            {
                entries.Add(new YamlEntry(key!, value, line) { Column = column });
            }
            else
            {
                Report(line, wrong);
            }
        }
        Close(start.Style == MappingStyle.Flow);
        return new YamlValue.Map(entries, at) { Column = (int)start.Start.Column };
    }

    private void Open(bool isFlow, int line)
    {
        if (isFlow)
        {
            flows.Push(line);
        }
    }

    private void Close(bool isFlow)
    {
        if (isFlow)
        {
            flows.Pop();
        }
    }

    /// <summary>In a flow collection, a line of white space may contain a tab (YAML 1.2, section 6.7). YamlDotNet rejects it.</summary>
    /// <returns>The text with such lines emptied; null if there is none.</returns>
    private string? WithoutTabLines(int from)
    {
        var cleaned = string.Join('\n', text.Split('\n').Select((line, i) => i >= from && string.IsNullOrWhiteSpace(line) ? "" : line));
        return text.Contains('\t', StringComparison.Ordinal) && cleaned.Count(c => c == '\t') < text.Count(c => c == '\t') ? cleaned : null;
    }

    /// <summary>An alias may only refer to a single value, so that a small file cannot become a large one.</summary>
    private YamlValue.Scalar ResolveAlias(string anchor, int line)
    {
        if (anchors.GetValueOrDefault(anchor) is YamlValue.Scalar scalar)
        {
            return scalar with { Line = line };
        }
        Report(line, anchors.ContainsKey(anchor)
            ? $"the alias *{Quote.Plain(anchor)} refers to more than one value; write the settings out"
            : $"there is no anchor &{Quote.Plain(anchor)} before this line; write the value out");
        return new YamlValue.Scalar("", line);
    }

    private void Report(int line, string sentence, string column = "") =>
        problems.Add(new Problem($"{name}:{line}{column}", sentence) { Line = line });

    private static int Line(ParsingEvent parsed) => (int)parsed.Start.Line;

    /// <summary>The parser's error as one line, in the words of a user.</summary>
    private void ReportSyntax(YamlException error)
    {
        var (line, column, sentence) = YamlMistake.Explain(
            text, (int)error.Start.Line, (int)error.Start.Column, error.Message, flows.TryPeek(out var opened) ? opened : null);
        Report(line, sentence, column > 0 ? $":{column}" : "");
    }

    private sealed class TooDeepException(int line) : Exception
    {
        public int Line => line;
    }
}

namespace Exporter.Http;

/// <summary>Collects the mistakes of a module file, each with its line and character. Not thread-safe.</summary>
/// <param name="file">The file's name as the user wrote it.</param>
internal sealed class ModuleProblems(string file)
{
    private readonly List<Mistake> mistakes = [];
    private readonly List<Problem> syntax = [];
    private readonly List<Problem> warnings = [];

    public string File => file;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<Problem> All =>
        [.. syntax, .. mistakes.Distinct().OrderBy(m => m.Line).ThenBy(m => m.Column)
            .Select(m => new Problem($"{file}:{m.Line}:{m.Column}", m.Sentence))];

    /// <summary>What works, but should be different.</summary>
    public IReadOnlyList<Problem> Warnings => warnings;

    /// <param name="offset">Of the wrong character in a text.</param>
    public void Add(YamlValue at, string sentence, int offset = 0) => Add(at.Line, at.Column + offset, sentence);

    public void Add(YamlEntry at, string sentence) => Add(at.Line, at.Column, sentence);

    public void Warn(YamlEntry at, string sentence) => warnings.Add(new Problem($"{file}:{at.Line}:{at.Column}", sentence));

    public void Warn(string sentence) => warnings.Add(new Problem(file, sentence));

    /// <summary>Adds the mistakes of a file that is not YAML.</summary>
    public void Add(IEnumerable<Problem> problems) => syntax.AddRange(problems);

    private void Add(int line, int column, string sentence) => mistakes.Add(new Mistake(line, column, sentence));

    private sealed record Mistake(int Line, int Column, string Sentence);
}

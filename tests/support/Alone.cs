using Xunit;

namespace Exporter.Tests.Support;

/// <summary>For what measures the whole process, its memory for example: no other test runs beside these.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

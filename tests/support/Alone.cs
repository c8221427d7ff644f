using Xunit;

namespace Exporter.Tests.Support;

/// <summary>These tests run alone, because they measure the whole process, such as its memory.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

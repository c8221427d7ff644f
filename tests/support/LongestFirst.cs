using Exporter.Tests.Cluster;
using Exporter.Tests.Support;
using Xunit.Sdk;
using Xunit.v3;

[assembly: Xunit.TestCollectionOrderer(typeof(LongestFirst))]

namespace Exporter.Tests.Support;

/// <summary>Starts the class that takes longest first. It mostly waits, so that the other classes run beside it, and not before it.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<T> OrderTestCollections<T>(IReadOnlyCollection<T> testCollections) where T : ITestCollection =>
        [.. testCollections.OrderByDescending(collection =>
            collection.TestCollectionDisplayName.Contains(typeof(ReplicaFailureTests).FullName!, StringComparison.Ordinal))];
}

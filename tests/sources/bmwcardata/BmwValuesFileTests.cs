using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public sealed class BmwValuesFileTests : IDisposable
{
    private readonly CollectedLog logs = new();

    public void Dispose() => logs.Dispose();

    [Theory]
    [InlineData("electric.jsonl")]
    [InlineData("odd.jsonl")]
    public void What_is_kept_gives_the_same_page(string name)
    {
        using var directory = new TemporaryDirectory();
        var reading = Car.Reading(Car.Messages(name));

        Open(directory).Save(reading);

        Assert.Equal(Series(reading), Series(Restored(directory, Car.Limits)));
        Assert.Empty(logs.All);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathIn(directory)));
    }

    [Fact]
    public void Where_a_car_was_is_forgotten_when_it_is_no_longer_asked_for()
    {
        using var directory = new TemporaryDirectory();
        Open(directory).Save(Car.Reading(Car.Messages("electric.jsonl"), Car.Limits with { Location = true }));

        Assert.DoesNotContain(Restored(directory, Car.Limits).Cars[Car.Electric].Values.Keys, BmwKeys.TellsWhere);
    }

    [Fact]
    public void Nothing_kept_is_nothing_known()
    {
        using var directory = new TemporaryDirectory();

        Assert.Empty(Open(directory).Load());
        Assert.Empty(logs.All);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("\0\0\0\0")]
    public void A_file_that_cannot_be_read_is_set_aside(string content)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(Path.GetDirectoryName(PathIn(directory))!);
        File.WriteAllText(PathIn(directory), content);

        Assert.Empty(Open(directory).Load());

        Assert.False(File.Exists(PathIn(directory)));
        Assert.Equal(content, File.ReadAllText(Assert.Single(Directory.GetFiles(Path.GetDirectoryName(PathIn(directory))!))));
        Assert.Equal(1, logs.Count("cannot be read"));
    }

    [Fact]
    public void Messages_in_it_that_are_none_cost_themselves()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(Path.GetDirectoryName(PathIn(directory))!);
        File.WriteAllText(PathIn(directory), $"[7,{Car.Says("k", "1")},null,[]]");

        Assert.Equal([Car.Electric], Restored(directory, Car.Limits).Cars.Keys);
    }

    [Fact]
    public void What_a_kill_left_of_an_earlier_save_is_swept_up()
    {
        using var directory = new TemporaryDirectory();
        Open(directory).Save(Car.Reading(Car.Messages("odd.jsonl")));
        var litter = Path.Combine(Path.GetDirectoryName(PathIn(directory))!, $".{Path.GetFileName(PathIn(directory))}.{Guid.NewGuid():N}.tmp");
        File.WriteAllText(litter, "[");
        File.SetLastWriteTimeUtc(litter, File.GetLastWriteTimeUtc(PathIn(directory)).AddHours(-2));

        Open(directory).Save(Car.Reading(Car.Messages("electric.jsonl")));

        Assert.Equal([PathIn(directory)], Directory.GetFiles(Path.GetDirectoryName(PathIn(directory))!));
    }

    [Fact]
    public void A_place_that_cannot_be_written_to_is_said_once()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("bmw-cardata", "a file where the directory should be");
        var file = Open(directory);

        file.Save(BmwReading.Empty);
        file.Save(BmwReading.Empty);

        Assert.Equal(1, logs.Count("cannot be kept there"));
    }

    [Fact]
    public void An_accounts_name_stays_in_the_folder() =>
        Assert.Equal("/state/bmw-cardata", Path.GetDirectoryName(Path.GetFullPath(BmwValuesFile.PathOf("/state", "../../etc/passwd"))));

    private static string PathIn(TemporaryDirectory directory) => BmwValuesFile.PathOf(directory.Path, "car");

    private BmwValuesFile Open(TemporaryDirectory directory) => new(PathIn(directory), new ManualTime(), logs);

    private BmwReading Restored(TemporaryDirectory directory, BmwLimits limits) =>
        Open(directory).Load().Aggregate(BmwReading.Empty, (reading, values) => reading.WithValues(values, limits, Car.Now));

    private static IEnumerable<string> Series(BmwReading reading) =>
        Car.Families(reading).SelectMany(family => family.Samples.Select(sample => $"{family.Name}{sample.Labels} {sample.Value}"));
}

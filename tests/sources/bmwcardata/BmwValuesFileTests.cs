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
    public void Stored_values_are_exported_unchanged(string name)
    {
        using var directory = new TemporaryDirectory();
        var reading = Car.Reading(Car.Messages(name));

        Open(directory).Save(reading);

        Assert.Equal(Series(reading), Series(Restored(directory, Car.Options)));
        Assert.Empty(logs.All);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathIn(directory)));
    }

    [Fact]
    public void A_stored_location_is_ignored_if_the_setting_is_off()
    {
        using var directory = new TemporaryDirectory();
        Open(directory).Save(Car.Reading(Car.Messages("electric.jsonl"), Car.Options with { Location = true }));

        Assert.DoesNotContain(Restored(directory, Car.Options).Cars[Car.Electric].Values.Keys, BmwKeys.IsLocation);
    }

    [Fact]
    public void Without_a_file_there_are_no_values()
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
    public void An_invalid_file_is_renamed(string content)
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
    public void Invalid_messages_in_the_file_affect_no_other_message()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(Path.GetDirectoryName(PathIn(directory))!);
        File.WriteAllText(PathIn(directory), $"[7,{Car.Message("k", "1")},null,[]]");

        Assert.Equal([Car.Electric], Restored(directory, Car.Options).Cars.Keys);
    }

    [Fact]
    public void A_temporary_file_of_a_killed_process_is_deleted()
    {
        using var directory = new TemporaryDirectory();
        Open(directory).Save(Car.Reading(Car.Messages("odd.jsonl")));
        var temporary = Path.Combine(Path.GetDirectoryName(PathIn(directory))!, $".{Path.GetFileName(PathIn(directory))}.{Guid.NewGuid():N}.tmp");
        File.WriteAllText(temporary, "[");
        File.SetLastWriteTimeUtc(temporary, File.GetLastWriteTimeUtc(PathIn(directory)).AddHours(-2));

        Open(directory).Save(Car.Reading(Car.Messages("electric.jsonl")));

        Assert.Equal([PathIn(directory)], Directory.GetFiles(Path.GetDirectoryName(PathIn(directory))!));
    }

    [Fact]
    public void A_write_error_is_logged_once()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("bmw-cardata", "a file where the directory should be");
        var file = Open(directory);

        file.Save(BmwReading.Empty);
        file.Save(BmwReading.Empty);

        Assert.Equal(1, logs.Count("cannot be stored"));
    }

    [Fact]
    public void The_name_of_an_account_cannot_leave_the_directory() =>
        Assert.Equal("/state/bmw-cardata", Path.GetDirectoryName(Path.GetFullPath(BmwValuesFile.PathOf("/state", "../../etc/passwd"))));

    private static string PathIn(TemporaryDirectory directory) => BmwValuesFile.PathOf(directory.Path, "car");

    private BmwValuesFile Open(TemporaryDirectory directory) => new(PathIn(directory), new ManualTime(), logs);

    private BmwReading Restored(TemporaryDirectory directory, BmwCarDataOptions options) =>
        Open(directory).Load().Aggregate(BmwReading.Empty, (reading, values) => reading.WithValues(values, options, Car.Now));

    private static IEnumerable<string> Series(BmwReading reading) =>
        Car.Families(reading).SelectMany(family => family.Samples.Select(sample => $"{family.Name}{sample.Labels} {sample.Value}"));
}

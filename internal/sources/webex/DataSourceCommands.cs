using System.Globalization;
using System.Text;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary><c>exporter webex data-sources …</c>: how the commands are called, and what each does with an opened account.</summary>
internal static class DataSourceCommands
{
    private static readonly CommandOption Json = new("--json", "Print JSON, without tokens and nonces.");
    private static readonly CommandOption Record = new("--record", "DirectoryPath to write a record of the operation to, whether or not it succeeds.", "DIRECTORY");
    private static readonly CommandOption Url = new("--url", "Address that Webex delivers to: https or wss.", "URL");
    private static readonly CommandOption Audience = new("--audience", "Audience of the signed token; BYODS where a new one is given none.", "TEXT");
    private static readonly CommandOption Subject = new("--subject", "Subject of the signed token; BYODS where a new one is given none.", "TEXT");
    private static readonly CommandOption Minutes = new("--minutes", "How long a signed token lives: 1 to 1440 minutes.", "NUMBER");
    private static readonly CommandOption Status = new("--status", "active, or disabled with --error-message.", "STATUS");
    private static readonly CommandOption ErrorMessage = new("--error-message", "Why it is disabled; Control Hub shows it.", "TEXT");
    private static readonly CommandOption Schema = new("--schema", $"Id of the schema; by default the voice agent's, {DataSourceOrder.DefaultSchemaId}.", "ID");
    private static readonly CommandArgument Id = new("ID", "The data source, by the id that list shows.");

    private static readonly SourceCommand List = new(Name("list"), "Lists the service app's data sources: status, schema, when each signed token ends.")
    {
        Options = [Json, new("--save-list", "DirectoryPath to write data_sources_list_TIME.json to.", "DIRECTORY")],
        Examples = ["oauth-exporter webex data-sources list", "oauth-exporter webex data-sources list --json"],
    };

    private static readonly SourceCommand Show = new(Name("show"), "Shows a data source and what its signed token says.")
    {
        Arguments = [Id],
        Options = [Json],
        Examples = ["oauth-exporter webex data-sources show 7c5e…"],
    };

    private static readonly SourceCommand Extend = new(Name("extend"), "Gives a data source a new signed token before the old one ends. A disabled one stays disabled.")
    {
        Arguments = [Id],
        Options = [Minutes, Record, Json],
        Examples = ["oauth-exporter webex data-sources extend 7c5e… --minutes 1440"],
    };

    private static readonly SourceCommand Register = new(Name("register"), "Registers a data source.")
    {
        Options = [Url, Audience, Subject, Schema, Minutes, Record, Json],
        Examples = ["oauth-exporter webex data-sources register --url https://voice.example.com/grpc"],
    };

    private static readonly SourceCommand Update = new(Name("update"), "Changes a data source; what is not given stays.")
    {
        Arguments = [Id],
        Options = [Url, Audience, Subject, Status, ErrorMessage, Minutes, Record, Json],
        Examples = ["oauth-exporter webex data-sources update 7c5e… --status disabled --error-message \"Moving house\""],
    };

    private static readonly SourceCommand Schemas = new(Name("schemas"), "Lists what a data source can be registered for.") { Options = [Json] };

    public static IReadOnlyList<SourceCommand> All { get; } = [List, Show, Extend, Register, Update, Schemas];

    /// <summary>The commands of an account.</summary>
    public static IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Of(IWebexApi api, ApiAccount account) =>
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>
        {
            [List] = LoggedIn(async (call, cancellationToken) => Answered(call, WebexAnswer.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, call.Time), list => ShowList(call, list))),
            [Show] = LoggedIn(async (call, cancellationToken) => Answered(call, WebexAnswer.Read(await api.GetDataSourceAsync(account, call.Value("ID")!, cancellationToken), account, call.Time), source => ShowOne(call, source))),
            [Extend] = Checked(LoggedIn(async (call, cancellationToken) =>
                Done(call, "extend", "extended", await api.ExtendDataSourceAsync(account, call.Value("ID")!, Lifetime(call) ?? DataSourceOrder.LongestLifetime, call.Time, cancellationToken)))),
            [Register] = Checked(LoggedIn(async (call, cancellationToken) =>
            {
                var order = Registration(call);
                return Done(call, "registration", "registered", WebexAnswer.Read(await api.RegisterDataSourceAsync(account, order, cancellationToken), account, call.Time, order));
            })),
            [Update] = Checked(LoggedIn((call, cancellationToken) => UpdateAsync(api, account, call, cancellationToken))),
            [Schemas] = LoggedIn(async (call, cancellationToken) => Answered(call, WebexAnswer.Read(await api.ListSchemasAsync(account, cancellationToken), account, call.Time), schemas => ShowSchemas(call, schemas))),
        };

    private static IReadOnlyList<string> Name(string verb) => ["webex", "data-sources", verb];

    private static Func<CommandCall, CancellationToken, Task<int>> LoggedIn(Func<CommandCall, CancellationToken, Task<int>> run) => async (call, cancellationToken) =>
        await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code ? code : await run(call, cancellationToken);

    /// <summary>What was typed is looked at before anybody is logged in or asked.</summary>
    private static Func<CommandCall, CancellationToken, Task<int>> Checked(Func<CommandCall, CancellationToken, Task<int>> run) => (call, cancellationToken) =>
        Problem(call) is { } problem ? Task.FromResult(Say(call, problem)) : run(call, cancellationToken);

    private static string? Problem(CommandCall call) => (call.Value(Minutes.Name), call.Value(Status.Name)) switch
    {
        ({ } minutes, _) when Lifetime(call) is null => $"{Minutes.Name} {Sanitize.Line(minutes)}: write a whole number from 1 to 1440.",
        (_, not (null or "active" or "disabled") and var status) => $"{Status.Name} {Sanitize.Line(status)}: write active or disabled.",
        _ when call.Value("ID") is null && string.IsNullOrEmpty(call.Value(Url.Name)) => $"A registration needs an address that Webex delivers to: {Url.Name}.",
        _ => null,
    };

    /// <summary>Null where none was given, or none that Webex allows.</summary>
    private static TimeSpan? Lifetime(CommandCall call) =>
        int.TryParse(call.Value(Minutes.Name), NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= 1440 ? TimeSpan.FromMinutes(minutes) : null;

    private static DataSourceOrder Registration(CommandCall call) => new()
    {
        Url = call.Value(Url.Name)!,
        Audience = call.Value(Audience.Name) ?? DataSourceOrder.DefaultName,
        Subject = call.Value(Subject.Name) ?? DataSourceOrder.DefaultName,
        SchemaId = call.Value(Schema.Name) ?? DataSourceOrder.DefaultSchemaId,
        Lifetime = Lifetime(call) ?? DataSourceOrder.LongestLifetime,
    };

    private static async Task<int> UpdateAsync(IWebexApi api, ApiAccount account, CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Value("ID")!;
        var current = WebexAnswer.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, call.Time);
        if (current is not PollResult<WebexDataSource>.Success(var source))
        {
            return Done(call, "update", "updated", current);
        }
        if (DataSourceOrder.Same(source, Lifetime(call), out var missing) is not { } same)
        {
            return Say(call, $"Webex does not say the data source's {string.Join(", ", missing)}, and an update needs it.");
        }
        var status = call.Value(Status.Name) ?? same.Status;
        var order = same with
        {
            Url = call.Value(Url.Name) ?? same.Url,
            Audience = call.Value(Audience.Name) ?? same.Audience,
            Subject = call.Value(Subject.Name) ?? same.Subject,
            Status = status,
            // An active source has none: what is left out is gone.
            ErrorMessage = status == "disabled" ? call.Value(ErrorMessage.Name) ?? same.ErrorMessage : null,
        };
        return status == "disabled" && string.IsNullOrEmpty(order.ErrorMessage)
            ? Say(call, $"A disabled data source needs a reason; say it with {ErrorMessage.Name}.")
            : Done(call, "update", "updated", WebexAnswer.Read(await api.UpdateDataSourceAsync(account, id, order, cancellationToken), account, call.Time, order));
    }

    private static int Answered<T>(CommandCall call, PollResult<T> answer, Func<T, int> show) => answer switch
    {
        PollResult<T>.Success(var value) => show(value),
        PollResult<T>.Failed(var failure) => Failed(call, failure),
        _ => throw new InvalidOperationException("an answer is good or not"),
    };

    /// <summary>Says what became of an operation, and writes its record where one is wanted.</summary>
    private static int Done(CommandCall call, string operation, string done, PollResult<WebexDataSource> answer)
    {
        var code = Answered(call, answer, source =>
        {
            if (!call.Has(Json.Name))
            {
                call.Terminal.Error.WriteLine($"The data source is {done}.");
            }
            return ShowOne(call, source);
        });
        if (call.Value(Record.Name) is not { } directory)
        {
            return code;
        }
        var at = call.Time.GetUtcNow();
        var (name, record) = answer switch
        {
            PollResult<WebexDataSource>.Success(var source) => ($"data_source_{operation}_{FileNamed(source.Id)}", new OperationRecord(operation, at, true, DataSourceView.Of(source), null)),
            PollResult<WebexDataSource>.Failed(var failure) => ($"data_source_{operation}_failed", new OperationRecord(operation, at, false, null, failure.Reason)),
            _ => throw new InvalidOperationException("an answer is good or not"),
        };
        return Save(call, directory, name, JsonSerializer.SerializeToUtf8Bytes(record, DataSourceJson.Default.OperationRecord)) is ExitCode.Done ? code : ExitCode.Failed;
    }

    private static int ShowList(CommandCall call, IReadOnlyList<WebexDataSource> list)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes([.. list.Select(DataSourceView.Of)], DataSourceJson.Default.DataSourceViewArray);
        if (call.Has(Json.Name))
        {
            call.Terminal.Output.WriteLine(Encoding.UTF8.GetString(json));
        }
        else
        {
            call.Terminal.Output.Write(DataSourceTable.Of(list, call.Time.GetUtcNow()));
        }
        return call.Value("--save-list") is { } directory ? Save(call, directory, "data_sources_list", json) : ExitCode.Done;
    }

    private static int ShowOne(CommandCall call, WebexDataSource source)
    {
        if (call.Has(Json.Name))
        {
            call.Terminal.Output.WriteLine(JsonSerializer.Serialize(DataSourceView.Of(source), DataSourceJson.Default.DataSourceView));
        }
        else
        {
            call.Terminal.Output.Write(DataSourceTable.Of(source, call.Time.GetUtcNow()));
        }
        return ExitCode.Done;
    }

    private static int ShowSchemas(CommandCall call, IReadOnlyList<WebexSchema> schemas)
    {
        if (call.Has(Json.Name))
        {
            call.Terminal.Output.WriteLine(JsonSerializer.Serialize([.. schemas], DataSourceJson.Default.WebexSchemaArray));
        }
        else
        {
            call.Terminal.Output.Write(DataSourceTable.Of(schemas));
        }
        return ExitCode.Done;
    }

    private static int Save(CommandCall call, string directory, string name, byte[] json)
    {
        var file = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{name}_{call.Time.GetUtcNow():yyyyMMdd_HHmmss}.json"));
        try
        {
            Directory.CreateDirectory(directory);
            File.WriteAllBytes(file, json);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Say(call, $"The record could not be written to {file}: {Sanitize.Line(e.Message)}");
        }
        call.Terminal.Error.WriteLine($"Written to {file}.");
        return ExitCode.Done;
    }

    /// <summary>An id comes from the provider: as a file's name it has letters, digits and dashes alone.</summary>
    private static string FileNamed(string id) => string.Concat(Sanitize.Line(id).Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'));

    private static int Failed(CommandCall call, ApiFailure failure)
    {
        Say(call, failure.Reason + (failure.RetryAfter is { } wait ? $" Try again in {Math.Ceiling(wait.TotalSeconds)} s." : ""));
        return failure is ApiFailure.RateLimited or ApiFailure.Unavailable ? ExitCode.TryLater : ExitCode.Failed;
    }

    private static int Say(CommandCall call, string sentence)
    {
        call.Terminal.Error.WriteLine(sentence);
        return ExitCode.Failed;
    }
}

/// <summary>What was done, for a file; as the token manager's, without token and nonce.</summary>
internal sealed record OperationRecord(string Operation, DateTimeOffset At, bool Success, DataSourceView? DataSource, string? Error);

using System.Globalization;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary><c>exporter webex data-sources …</c>: the declarations of the commands, and what each does with an opened account.</summary>
internal static class DataSourceCommands
{
    private static readonly CommandOption Json = new("--json", "Print JSON, without tokens and nonces.");
    private static readonly CommandOption Record =
        new("--record", "Write a record of the operation to this directory, even if it fails.", "DIRECTORY");
    private static readonly CommandOption Url = new("--url", "Address that Webex delivers to: https or wss.", "URL");
    private static readonly CommandOption Audience = new("--audience", "Audience of the signed token; BYODS by default.", "TEXT");
    private static readonly CommandOption Subject = new("--subject", "Subject of the signed token; BYODS by default.", "TEXT");
    private static readonly CommandOption Minutes = new("--minutes", "Lifetime of a signed token: 1 to 1440 minutes.", "NUMBER");
    private static readonly CommandOption Status = new("--status", "active, or disabled with --error-message.", "STATUS");
    private static readonly CommandOption ErrorMessage = new("--error-message", "Why the source is disabled; Control Hub shows it.", "TEXT");
    private static readonly CommandOption Schema =
        new("--schema", $"ID of the schema; by default that of the voice agent, {DataSourceRequest.DefaultSchemaId}.", "ID");
    private static readonly CommandOption SaveList = new("--save-list", "Write data_sources_list_TIME.json to this directory.", "DIRECTORY");
    private static readonly CommandArgument Id = new("ID", "ID of the data source, as list shows it.");

    private static readonly SourceCommand List = new(
        Name("list"), "Lists the service app's data sources with status, schema and the expiry of each signed token.")
    {
        Options = [Json, SaveList],
        Examples = ["exporter webex data-sources list", "exporter webex data-sources list --json"],
    };

    private static readonly SourceCommand Show = new(Name("show"), "Shows a data source and the claims of its signed token.")
    {
        Arguments = [Id],
        Options = [Json],
        Examples = ["oauth-exporter webex data-sources show 7c5e…"],
    };

    private static readonly SourceCommand Extend = new(
        Name("extend"), "Gets a new signed token for a data source before the old one expires. A disabled source stays disabled.")
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

    private static readonly SourceCommand Update = new(Name("update"), "Changes a data source. What you leave out stays as it is.")
    {
        Arguments = [Id],
        Options = [Url, Audience, Subject, Status, ErrorMessage, Minutes, Record, Json],
        Examples = ["oauth-exporter webex data-sources update 7c5e… --status disabled --error-message \"Moving house\""],
    };

    private static readonly SourceCommand Schemas = new(Name("schemas"), "Lists the schemas that a data source can be registered with.")
    {
        Options = [Json],
    };

    public static IReadOnlyList<SourceCommand> All { get; } = [List, Show, Extend, Register, Update, Schemas];

    /// <summary>The commands of an account.</summary>
    public static IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> For(IWebexApi api, ApiAccount account) =>
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>
        {
            [List] = LoggedIn(async (call, cancellationToken) => ShowResult(call,
                WebexResponse.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, call.Time), list => PrintList(call, list))),
            [Show] = LoggedIn(async (call, cancellationToken) => ShowResult(call,
                WebexResponse.Read(await api.GetDataSourceAsync(account, call.Value("ID")!, cancellationToken), account, call.Time),
                source => PrintSource(call, source))),
            [Extend] = Validated(LoggedIn(async (call, cancellationToken) => Report(call, "extend", "extended",
                await api.ExtendDataSourceAsync(
                    account, call.Value("ID")!, Lifetime(call) ?? DataSourceRequest.LongestLifetime, call.Time, cancellationToken)))),
            [Register] = Validated(LoggedIn(async (call, cancellationToken) =>
            {
                var request = Registration(call);
                var response = await api.RegisterDataSourceAsync(account, request, cancellationToken);
                return Report(call, "registration", "registered", WebexResponse.Read(response, account, call.Time, request));
            })),
            [Update] = Validated(LoggedIn((call, cancellationToken) => UpdateAsync(api, account, call, cancellationToken))),
            [Schemas] = LoggedIn(async (call, cancellationToken) => ShowResult(call,
                WebexResponse.Read(await api.ListSchemasAsync(account, cancellationToken), account, call.Time),
                schemas => PrintSchemas(call, schemas))),
        };

    private static IReadOnlyList<string> Name(string verb) => ["webex", "data-sources", verb];

    private static Func<CommandCall, CancellationToken, Task<int>> LoggedIn(Func<CommandCall, CancellationToken, Task<int>> run) =>
        async (call, cancellationToken) =>
            await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code ? code : await run(call, cancellationToken);

    /// <summary>Validates the arguments before the login and before any request.</summary>
    private static Func<CommandCall, CancellationToken, Task<int>> Validated(Func<CommandCall, CancellationToken, Task<int>> run) =>
        (call, cancellationToken) => Problem(call) is { } problem ? Task.FromResult(Fail(call, problem)) : run(call, cancellationToken);

    private static string? Problem(CommandCall call) => (call.Value(Minutes.Name), call.Value(Status.Name)) switch
    {
        ({ } minutes, _) when Lifetime(call) is null => $"{Minutes.Name} {Sanitize.Line(minutes)}: write a whole number from 1 to 1440.",
        (_, not (null or "active" or "disabled") and var status) => $"{Status.Name} {Sanitize.Line(status)}: write active or disabled.",
        _ when call.Value("ID") is null && string.IsNullOrEmpty(call.Value(Url.Name)) =>
            $"A registration needs an address that Webex delivers to: {Url.Name}.",
        _ => null,
    };

    /// <summary>Null if the option is missing or out of Webex's limits.</summary>
    private static TimeSpan? Lifetime(CommandCall call) =>
        int.TryParse(call.Value(Minutes.Name), NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= 1440
            ? TimeSpan.FromMinutes(minutes)
            : null;

    private static DataSourceRequest Registration(CommandCall call) => new()
    {
        Url = call.Value(Url.Name)!,
        Audience = call.Value(Audience.Name) ?? DataSourceRequest.DefaultName,
        Subject = call.Value(Subject.Name) ?? DataSourceRequest.DefaultName,
        SchemaId = call.Value(Schema.Name) ?? DataSourceRequest.DefaultSchemaId,
        Lifetime = Lifetime(call) ?? DataSourceRequest.LongestLifetime,
    };

    private static async Task<int> UpdateAsync(IWebexApi api, ApiAccount account, CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Value("ID")!;
        var result = WebexResponse.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, call.Time);
        if (result.Value is not { } source)
        {
            return Report(call, "update", "updated", result);
        }
        if (DataSourceRequest.FromCurrent(source, Lifetime(call), out var missing) is not { } current)
        {
            return Fail(call, DataSourceExtension.MissingMembers(missing));
        }
        var status = call.Value(Status.Name) ?? current.Status;
        var request = current with
        {
            Url = call.Value(Url.Name) ?? current.Url,
            Audience = call.Value(Audience.Name) ?? current.Audience,
            Subject = call.Value(Subject.Name) ?? current.Subject,
            Status = status,
            // An update removes what it leaves out: an active source has no error message.
            ErrorMessage = status == "disabled" ? call.Value(ErrorMessage.Name) ?? current.ErrorMessage : null,
        };
        if (status == "disabled" && string.IsNullOrEmpty(request.ErrorMessage))
        {
            return Fail(call, $"A disabled data source needs a reason. Set it with {ErrorMessage.Name}.");
        }
        var response = await api.UpdateDataSourceAsync(account, id, request, cancellationToken);
        return Report(call, "update", "updated", WebexResponse.Read(response, account, call.Time, request));
    }

    private static int ShowResult<T>(CommandCall call, Result<T, ApiFailure> result, Func<T, int> print)
    {
        if (result.Failure is not { } failure)
        {
            return print(result.Value!);
        }
        Fail(call, failure.Reason + (failure.RetryAfter is { } wait ? $" Try again in {Math.Ceiling(wait.TotalSeconds)} s." : ""));
        return failure is ApiFailure.RateLimited or ApiFailure.Unavailable ? ExitCode.TryLater : ExitCode.Failed;
    }

    /// <summary>Prints the result of an operation, and writes its record if requested.</summary>
    private static int Report(CommandCall call, string operation, string participle, Result<WebexDataSource, ApiFailure> result)
    {
        var code = ShowResult(call, result, source =>
        {
            if (!call.Has(Json.Name))
            {
                call.Terminal.Error.WriteLine($"The data source is {participle}.");
            }
            return PrintSource(call, source);
        });
        if (call.Value(Record.Name) is not { } directory)
        {
            return code;
        }
        var (source, failure) = result;
        var record = new OperationRecord(operation, call.Time.GetUtcNow(), source is not null, source is null ? null : DataSourceView.Of(source),
            failure?.Reason);
        var name = $"data_source_{operation}_{(source is null ? "failed" : FileName(source.Id))}";
        return Save(call, directory, name, JsonSerializer.Serialize(record, DataSourceJson.Default.OperationRecord)) is ExitCode.Done
            ? code
            : ExitCode.Failed;
    }

    private static int PrintList(CommandCall call, IReadOnlyList<WebexDataSource> list)
    {
        var json = JsonSerializer.Serialize([.. list.Select(DataSourceView.Of)], DataSourceJson.Default.DataSourceViewArray);
        Print(call, json, DataSourceTable.Of(list, call.Time.GetUtcNow()));
        return call.Value(SaveList.Name) is { } directory ? Save(call, directory, "data_sources_list", json) : ExitCode.Done;
    }

    private static int PrintSource(CommandCall call, WebexDataSource source) => Print(
        call, JsonSerializer.Serialize(DataSourceView.Of(source), DataSourceJson.Default.DataSourceView),
        DataSourceTable.Of(source, call.Time.GetUtcNow()));

    private static int PrintSchemas(CommandCall call, IReadOnlyList<WebexSchema> schemas) =>
        Print(call, JsonSerializer.Serialize([.. schemas], DataSourceJson.Default.WebexSchemaArray), DataSourceTable.Of(schemas));

    private static int Print(CommandCall call, string json, string table)
    {
        call.Terminal.Output.Write(call.Has(Json.Name) ? json + "\n" : table);
        return ExitCode.Done;
    }

    private static int Save(CommandCall call, string directory, string name, string json)
    {
        var file = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{name}_{call.Time.GetUtcNow():yyyyMMdd_HHmmss}.json"));
        try
        {
            Directory.CreateDirectory(directory);
            File.WriteAllText(file, json);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(call, $"The record could not be written to {file}: {Sanitize.Line(e.Message)}");
        }
        call.Terminal.Error.WriteLine($"Written to {file}.");
        return ExitCode.Done;
    }

    /// <summary>The ID comes from the provider: keep only letters, digits and dashes in a file name.</summary>
    private static string FileName(string id) => string.Concat(Sanitize.Line(id).Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'));

    private static int Fail(CommandCall call, string sentence)
    {
        call.Terminal.Error.WriteLine(sentence);
        return ExitCode.Failed;
    }
}

/// <summary>The record of an operation, like the token manager's but without token and nonce.</summary>
internal sealed record OperationRecord(string Operation, DateTimeOffset At, bool Success, DataSourceView? DataSource, string? Error);

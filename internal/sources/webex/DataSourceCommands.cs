using System.Globalization;
using System.Text.Json;
using Refit;

namespace Exporter.Webex;

/// <summary><c>oauth-exporter webex data-sources …</c>: the declarations of the commands, and what each does with an opened account.</summary>
internal sealed class DataSourceCommands(IWebexApi api, ApiAccount account)
{
    private static readonly CommandOption Json = new("--json", "Print JSON, without tokens and nonces.");
    private static readonly CommandOption Record =
        new("--record", "Write a record of the operation to this directory, even if it fails.", "DIRECTORY");
    private static readonly CommandOption Url = new("--url", "Address that Webex delivers to: https or wss.", "URL");
    private static readonly CommandOption Audience =
        new("--audience", "Audience of the signed token. Default: BYODS, or the current one in an update.", "TEXT");
    private static readonly CommandOption Subject =
        new("--subject", "Subject of the signed token. Default: BYODS, or the current one in an update.", "TEXT");
    private static readonly CommandOption Minutes = new("--minutes", "Lifetime of a signed token: 1 to 1440 minutes. Default: 1440.", "NUMBER");
    private static readonly CommandOption Status = new("--status", "active, or disabled with --error-message.", "STATUS");
    private static readonly CommandOption ErrorMessage = new("--error-message", "Why the source is disabled; Control Hub shows it.", "TEXT");
    private static readonly CommandOption Schema =
        new("--schema", $"ID of the schema; by default that of the voice agent, {DataSourceRequest.DefaultSchemaId}.", "ID");
    private static readonly CommandOption SaveList = new("--save-list", "Write data_sources_list_TIME.json to this directory.", "DIRECTORY");
    private static readonly CommandArgument Id = new("ID", "ID of the data source, as list shows it.");

    private static readonly SourceCommand List = Command(
        "list", "Lists the service app's data sources with status, schema and the expiry of each signed token.", [], [Json, SaveList],
        "oauth-exporter webex data-sources list", "oauth-exporter webex data-sources list --json");
    private static readonly SourceCommand Show = Command(
        "show", "Shows a data source and the claims of its signed token.", [Id], [Json], "oauth-exporter webex data-sources show 7c5e…");
    private static readonly SourceCommand Extend = Command(
        "extend", "Gets a new signed token for a data source before the old one expires. A disabled source stays disabled.",
        [Id], [Minutes, Record, Json], "oauth-exporter webex data-sources extend 7c5e… --minutes 1440");
    private static readonly SourceCommand Register = Command(
        "register", "Registers a data source.", [], [Url, Audience, Subject, Schema, Minutes, Record, Json],
        "oauth-exporter webex data-sources register --url https://voice.example.com/v1");
    private static readonly SourceCommand Update = Command(
        "update", "Changes a data source. What you leave out stays as it is.",
        [Id], [Url, Audience, Subject, Status, ErrorMessage, Minutes, Record, Json],
        "oauth-exporter webex data-sources update 7c5e… --url https://example.com/v2",
        "oauth-exporter webex data-sources update 7c5e… --status disabled \\\n    --error-message \"Moving house\"");
    private static readonly SourceCommand Schemas = Command(
        "schemas", "Lists the schemas for data sources.", [], [Json], "oauth-exporter webex data-sources schemas");

    public static IReadOnlyList<SourceCommand> All { get; } = [List, Show, Extend, Register, Update, Schemas];

    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Handlers =>
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>
        {
            [List] = async (call, cancellationToken) =>
                ShowResult(call, Read(call, await api.ListDataSourcesAsync(account, cancellationToken)), PrintList),
            [Show] = async (call, cancellationToken) =>
                ShowResult(call, Read(call, await api.GetDataSourceAsync(account, call.Value(Id.Name)!, cancellationToken)), PrintSource),
            [Extend] = async (call, cancellationToken) => Report(call, "extend", "extended", await api.ExtendDataSourceAsync(
                account, call.Value(Id.Name)!, Lifetime(call) ?? DataSourceRequest.LongestLifetime, call.Time, cancellationToken)),
            [Register] = async (call, cancellationToken) => Report(call, "registration", "registered", await RegisterAsync(call, cancellationToken)),
            [Update] = async (call, cancellationToken) => Report(call, "update", "updated", await UpdateAsync(call, cancellationToken)),
            [Schemas] = async (call, cancellationToken) =>
                ShowResult(call, Read(call, await api.ListSchemasAsync(account, cancellationToken)), PrintSchemas),
        }.ToDictionary(handler => handler.Key, handler => Checked(handler.Key, handler.Value));

    private static SourceCommand Command(
        string verb, string help, CommandArgument[] arguments, CommandOption[] options, params string[] examples) =>
        new(["webex", "data-sources", verb], help)
        {
            Arguments = arguments,
            Options = options,
            Examples = examples,
            Settings = [WebexOptions.ConfigFileSetting, WebexOptions.TokenFileSetting],
        };

    /// <summary>Validates the arguments before the login, and logs in before any request.</summary>
    private static Func<CommandCall, CancellationToken, Task<int>> Checked(
        SourceCommand command, Func<CommandCall, CancellationToken, Task<int>> run) => async (call, cancellationToken) =>
            Problem(command, call) is { } problem ? call.Terminal.Fail(problem)
            : await call.LogInAsync(cancellationToken) is not ExitCode.Done and var code ? code
            : await run(call, cancellationToken);

    private static string? Problem(SourceCommand command, CommandCall call) => (call.Value(Minutes.Name), call.Value(Status.Name)) switch
    {
        ({ } minutes, _) when Lifetime(call) is null => $"{Minutes.Name} {Sanitize.Line(minutes)}: write a whole number from 1 to 1440.",
        (_, not (null or "active" or "disabled") and var status) => $"{Status.Name} {Sanitize.Line(status)}: write active or disabled.",
        _ when command == Register && string.IsNullOrEmpty(call.Value(Url.Name)) =>
            $"A registration needs an address that Webex delivers to: {Url.Name}.",
        _ => null,
    };

    /// <summary>Null if the option is missing or out of Webex's limits.</summary>
    private static TimeSpan? Lifetime(CommandCall call) =>
        int.TryParse(call.Value(Minutes.Name), NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= 1440
            ? TimeSpan.FromMinutes(minutes)
            : null;

    private Result<T, ApiFailure> Read<T>(CommandCall call, IApiResponse<T> response, DataSourceRequest? request = null) where T : class =>
        WebexResponse.Read(response, account, call.Time, request);

    private async Task<Result<WebexDataSource, ApiFailure>> RegisterAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var request = new DataSourceRequest
        {
            Url = call.Value(Url.Name)!,
            Audience = call.Value(Audience.Name) ?? DataSourceRequest.DefaultName,
            Subject = call.Value(Subject.Name) ?? DataSourceRequest.DefaultName,
            SchemaId = call.Value(Schema.Name) ?? DataSourceRequest.DefaultSchemaId,
            Lifetime = Lifetime(call) ?? DataSourceRequest.LongestLifetime,
        };
        return Read(call, await api.RegisterDataSourceAsync(account, request, cancellationToken), request);
    }

    private async Task<Result<WebexDataSource, ApiFailure>> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Value(Id.Name)!;
        var result = Read(call, await api.GetDataSourceAsync(account, id, cancellationToken));
        if (result.Value is not { } source)
        {
            return result;
        }
        if (DataSourceRequest.FromCurrent(source, Lifetime(call), out var missing) is not { } current)
        {
            return new ApiFailure.Rejected(DataSourceExtension.MissingMembers(missing));
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
        return status == "disabled" && string.IsNullOrEmpty(request.ErrorMessage)
            ? new ApiFailure.Rejected($"A disabled data source needs a reason. Set it with {ErrorMessage.Name}.")
            : Read(call, await api.UpdateDataSourceAsync(account, id, request, cancellationToken), request);
    }

    private static int ShowResult<T>(CommandCall call, Result<T, ApiFailure> result, Func<CommandCall, T, int> print)
    {
        if (result.Failure is not { } failure)
        {
            return print(call, result.Value!);
        }
        return call.Terminal.Fail(
            failure.Reason + (failure.RetryAfter is { } wait ? $" Try again in {Math.Ceiling(wait.TotalSeconds)} s." : ""),
            failure is ApiFailure.RateLimited or ApiFailure.Unavailable ? ExitCode.TryLater : ExitCode.Failed);
    }

    /// <summary>Prints the result of an operation, and writes its record if requested.</summary>
    private static int Report(CommandCall call, string operation, string participle, Result<WebexDataSource, ApiFailure> result)
    {
        var (source, failure) = result;
        if (source is not null && !call.Has(Json.Name))
        {
            call.Terminal.Error.WriteLine($"The data source is {participle}.");
        }
        var code = ShowResult(call, result, PrintSource);
        if (call.Value(Record.Name) is not { } directory)
        {
            return code;
        }
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
        name = string.Create(CultureInfo.InvariantCulture, $"{name}_{call.Time.GetUtcNow():yyyyMMdd_HHmmss}.json");
        var file = Path.Combine(directory, name);
        try
        {
            Directory.CreateDirectory(directory);
            PrivateDirectory.Use(directory, at =>
            {
                File.WriteAllText(Path.Combine(at, name), json);
                return file;
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return call.Terminal.Fail($"The record could not be written to {file}: {Sanitize.Line(e.Message)}");
        }
        call.Terminal.Error.WriteLine($"Written to {file}.");
        return ExitCode.Done;
    }

    /// <summary>The ID comes from the provider: keep only letters, digits and dashes in a file name.</summary>
    private static string FileName(string id) => string.Concat(Sanitize.Line(id).Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'));
}

/// <summary>The record of an operation, like the token manager's but without token and nonce.</summary>
internal sealed record OperationRecord(string Operation, DateTimeOffset At, bool Success, DataSourceView? DataSource, string? Error);

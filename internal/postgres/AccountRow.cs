using Npgsql;

namespace Exporter.Postgres;

/// <summary>One account as its row describes it. Immutable.</summary>
/// <param name="SealedToken">Null if there is none.</param>
/// <param name="Version">Counts the changes of the token.</param>
/// <param name="Attempt">Counts the times that a replica took the row.</param>
/// <param name="Interrupted">When the row was taken, the time of an earlier request whose outcome is unknown; otherwise null.</param>
internal sealed record AccountRow(
    long Id, string Name, string Template, string Source, byte[]? SealedToken, long Version, bool IsLoggedOut, string State, string? Reason,
    DateTimeOffset? Since, string? Error, int Failures, int Rejections, DateTimeOffset? ExpiresAt, DateTimeOffset? RefreshExpiresAt,
    DateTimeOffset? RenewAt, DateTimeOffset? RenewedAt, DateTimeOffset? TriedAt, DateTimeOffset CreatedAt, long Attempt,
    DateTimeOffset? Interrupted)
{
    /// <summary>The columns of <see cref="Read"/>, of the table with the alias <c>a</c>. The last one is for a row that is taken.</summary>
    public const string Columns = """
        a.id, a.name, a.template, a.source, a.token, a.version, a.logged_out, a.state, a.reason, a.since, a.error, a.failures, a.rejections,
        a.expires_at, a.refresh_expires_at, a.renew_at, a.renewed_at, a.tried_at, a.created_at, a.attempt
        """;

    private static readonly PlainTokenFormat Format = new();

    /// <summary>Identifies the content that the row holds.</summary>
    public string Stamp => StampOf(Version);

    public static string StampOf(long version) => version.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <param name="isTaken">Whether the query also returns the time of an interrupted request.</param>
    public static AccountRow Read(NpgsqlDataReader reader, bool isTaken = false) => new(
        reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.Bytes(4), reader.GetInt64(5),
        reader.GetBoolean(6), reader.GetString(7), reader.Text(8), reader.Time(9), reader.Text(10), reader.GetInt32(11), reader.GetInt32(12),
        reader.Time(13), reader.Time(14), reader.Time(15), reader.Time(16), reader.Time(17), reader.Time(18)!.Value, reader.GetInt64(19),
        isTaken ? reader.Time(20) : null);

    /// <summary>The bytes of a token in a row of that name.</summary>
    public static byte[] Seal(TokenKeys keys, string name, Token token) => keys.Seal(name, Format.Write(token, default));

    /// <summary>What the lifecycle continues from, or why the token cannot be opened, as a sentence without a full stop.</summary>
    public Result<TokenProgress, string> Progress(TokenKeys keys)
    {
        Token? token = null;
        if (SealedToken is not null)
        {
            var (content, failure) = keys.Open(Name, SealedToken);
            if (failure is not null)
            {
                return failure;
            }
            try
            {
                token = Format.Read(content);
            }
            catch (FormatException e)
            {
                return $"its token is damaged: {e.Message}";
            }
        }
        return ProgressOf(token);
    }

    /// <summary>The progress with the times of the token and without the token itself.</summary>
    public TokenProgress WithoutToken() => ProgressOf(
        SealedToken is null ? null : new Token { ExpiresAt = ExpiresAt, RefreshExpiresAt = RefreshExpiresAt });

    /// <summary>The state as people and programs see it, without secrets.</summary>
    public TokenSnapshot WithoutSecrets() => TokenSnapshot.Initial with
    {
        State = WithoutToken().State,
        History = new RenewalHistory { LastError = Error, LastSuccess = RenewedAt, LastAttempt = TriedAt },
    };

    private TokenProgress ProgressOf(Token? token) => new(StateOf(token), token is null ? null : Stamp, RenewAt)
    {
        Failures = Failures,
        Rejections = Rejections,
        IsLoggedOut = IsLoggedOut,
        LastError = Error,
        LastSuccess = RenewedAt,
        LastAttempt = TriedAt,
    };

    private TokenState StateOf(Token? token) => State switch
    {
        "active" when token is not null => new TokenState.Active(token, RenewAt ?? DateTimeOffset.MaxValue, Failures),
        "refused" => new TokenState.InvalidClient(token, Reason ?? "", RenewAt ?? DateTimeOffset.MaxValue),
        "lost" => new TokenState.Lost(token, Reason ?? "", Since ?? CreatedAt) { RetryAt = RenewAt },
        _ => new TokenState.Missing(),
    };
}

/// <summary>The next state of a row, to be saved. Immutable.</summary>
/// <param name="Version">Of the token that the change belongs to. If the row has another one, nothing is saved.</param>
/// <param name="Attempt">Without a new token, nothing is saved either if another replica has taken the row.</param>
/// <param name="Token">The new token, sealed; null to keep the token of the row.</param>
internal sealed record RowChange(long Id, long Version, long Attempt, byte[]? Token, TokenProgress Next)
{
    /// <summary>The source and the outcome, for the counters.</summary>
    public required string Source { get; init; }

    public required string Outcome { get; init; }
}

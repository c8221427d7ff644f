namespace Exporter.Accounts;

/// <summary>Encrypts the token file of an account, with the keys of a setting or of a systemd credential.</summary>
internal static class TokenSealing
{
    /// <summary>The name of the credential (systemd.exec(5), LoadCredential=).</summary>
    private const string Credential = "token-key";

    /// <summary>The keys; null if the token file is plain. A reload opens the account again if they change.</summary>
    /// <param name="storesToken">Whether the account has a token to store.</param>
    /// <param name="hasFile">Whether the program stores it in a file of this account alone.</param>
    /// <param name="formats">The formats of the file.</param>
    public static TokenKeys? ReadKeys(Section section, bool storesToken, bool hasFile, IReadOnlyList<ITokenFormat> formats)
    {
        var configured = section.Find(AccountSettings.TokenKeyFile);
        if ((configured ?? CredentialFile()) is not { } path)
        {
            return null;
        }
        var obstacle = !storesToken ? "this account has no token to encrypt; remove the setting"
            : formats.Any(format => format.IsShared)
                ? "other programs read the token file of this source, so it cannot be encrypted; remove the setting"
            : !hasFile ? "only a token file can be encrypted; set token_file, or remove this setting"
            : null;
        if (obstacle is not null)
        {
            // A credential is for all accounts of the program.
            if (configured is not null)
            {
                section.Problem(AccountSettings.TokenKeyFile, obstacle);
            }
            return null;
        }
        var (keys, problem) = TokenKeys.Read(path);
        if (problem is not null)
        {
            section.Problem(AccountSettings.TokenKeyFile, problem);
        }
        else if (keys!.Warning is { } warning)
        {
            section.Warn(AccountSettings.TokenKeyFile, warning);
        }
        section.AddDependency(keys?.Fingerprint ?? "");
        return keys;
    }

    private static string? CredentialFile() =>
        Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is { Length: > 0 } directory
        && Path.Combine(Path.GetFullPath(directory), Credential) is var path && File.Exists(path)
            ? path
            : null;
}

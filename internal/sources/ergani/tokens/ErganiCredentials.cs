namespace Exporter.Ergani;

/// <summary>One of Ergani's two environments. To test against a stand-in, copy one <c>with</c> another address.</summary>
/// <param name="Name">As the OxygenSuite token manager writes it in file names.</param>
/// <param name="Address">The base address of the API, with a trailing slash.</param>
public sealed record ErganiEnvironment(string Name, Uri Address)
{
    /// <summary>Submissions here are real.</summary>
    public static ErganiEnvironment Production { get; } = new("PRODUCTION", new Uri("https://eservices.yeka.gr/WebservicesAPI/api/"));

    /// <summary>The ministry's trial environment, which has its own users.</summary>
    public static ErganiEnvironment Test { get; } = new("TEST", new Uri("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/"));
}

/// <summary>The credentials of a login.</summary>
/// <param name="UserType">
/// <c>01</c> external users and e-EFKA, <c>02</c> Ergani's own codes, <c>03</c> construction works of e-EFKA. Ergani rejects valid
/// credentials with the wrong type.
/// </param>
public sealed record ErganiCredentials(string Username, Secret Password, ErganiEnvironment Environment, string UserType = ErganiCredentials.External)
{
    public const string External = "01";
    public const string Ergani = "02";
    public const string Construction = "03";
}

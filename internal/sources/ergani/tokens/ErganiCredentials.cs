using Exporter.Tokens;

namespace Exporter.Ergani;

/// <summary>Which of the two Ergani one speaks to. A stand-in is one of them <c>with</c> another address.</summary>
/// <param name="Name">As the OxygenSuite token manager writes it into file names.</param>
/// <param name="Address">The base of the API, with a slash at its end.</param>
public sealed record ErganiEnvironment(string Name, Uri Address)
{
    /// <summary>What is submitted here is real.</summary>
    public static ErganiEnvironment Production { get; } = new("PRODUCTION", new Uri("https://eservices.yeka.gr/WebservicesAPI/api/"));

    /// <summary>The ministry's trial environment, which has users of its own.</summary>
    public static ErganiEnvironment Test { get; } = new("TEST", new Uri("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/"));
}

/// <summary>Who logs in. Immutable.</summary>
/// <param name="UserType">
/// <c>01</c> external users and e-EFKA, <c>02</c> Ergani's own codes, <c>03</c> construction works of e-EFKA. Right credentials with the
/// wrong type are refused like wrong ones.
/// </param>
public sealed record ErganiCredentials(string Username, Secret Password, ErganiEnvironment Environment, string UserType = ErganiCredentials.External)
{
    public const string External = "01";
    public const string Ergani = "02";
    public const string Construction = "03";
}

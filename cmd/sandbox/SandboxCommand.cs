using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Exporter.Sandbox.Command;

/// <summary>The sandbox as a program: its flags, and what it prints to start from.</summary>
internal static class SandboxCommand
{
    /// <summary>No @FILE arguments: an @ may stand at the beginning of a secret.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    public static RootCommand Create()
    {
        var ours = new SandboxOptions();
        var listen = new Option<IPEndPoint>("--listen")
        {
            Description = "Address and port to listen on.",
            HelpName = "ADDRESS:PORT",
            DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 9300),
            CustomParser = Endpoint,
        };
        var stations = new Option<NetatmoSample>("--stations")
        {
            Description = "What getstationsdata answers: small, odd, large, or a file holding an answer of Netatmo's.",
            HelpName = "small|odd|large|FILE",
            DefaultValueFactory = _ => ours.Netatmo.Stations,
            CustomParser = Sample,
        };
        var lifetime = new Option<TimeSpan?>("--access-lifetime")
        {
            Description = "How long an access token lives, such as 90s or 20m; where it is left out, as long as the cloud's.",
            HelpName = "DURATION",
            CustomParser = Duration,
        };
        var clientId = new Option<string>("--client-id") { Description = "Client id of the application.", DefaultValueFactory = _ => ours.Netatmo.ClientId };
        var clientSecret = new Option<string>("--client-secret")
        {
            Description = "Client secret of the application.",
            DefaultValueFactory = _ => ours.Netatmo.ClientSecret,
        };
        var redirectUris = new Option<string[]>("--redirect-uri")
        {
            Description = "Redirect URI of the application, exactly; may be given more than once.",
            HelpName = "URI",
            DefaultValueFactory = _ => [.. ours.Netatmo.RedirectUris],
        };

        var command = new RootCommand("A local stand-in for the clouds the exporter reads.") { listen, stations, lifetime, clientId, clientSecret, redirectUris };
        command.SetAction((parsed, cancellation) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var options = ours with
            {
                Listen = parsed.GetRequiredValue(listen),
                Log = TextWriter.Synchronized(output).WriteLine,
                Netatmo = ours.Netatmo with
                {
                    ClientId = parsed.GetRequiredValue(clientId),
                    ClientSecret = parsed.GetRequiredValue(clientSecret),
                    RedirectUris = parsed.GetRequiredValue(redirectUris),
                    Lifetimes = ours.Netatmo.Lifetimes with { Access = parsed.GetValue(lifetime) ?? ours.Netatmo.Lifetimes.Access },
                    Stations = parsed.GetRequiredValue(stations),
                },
                Bmw = ours.Bmw with
                {
                    Stream = StreamBeside(parsed.GetRequiredValue(listen)),
                    Lifetimes = ours.Bmw.Lifetimes with { Access = parsed.GetValue(lifetime) ?? ours.Bmw.Lifetimes.Access },
                },
                Webex = ours.Webex with
                {
                    ServiceAppLifetimes = ours.Webex.ServiceAppLifetimes with { Access = parsed.GetValue(lifetime) ?? ours.Webex.ServiceAppLifetimes.Access },
                },
            };
            return Run(options, output, parsed.InvocationConfiguration.Error, cancellation);
        });
        return command;
    }

    private static async Task<int> Run(SandboxOptions options, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        SandboxServer sandbox;
        try
        {
            sandbox = await SandboxServer.StartAsync(options, cancellation);
        }
        catch (IOException taken)
        {
            await error.WriteLineAsync($"Cannot listen on {options.Listen}: {taken.Message} Choose another address with --listen.");
            return 1;
        }
        await using (sandbox)
        {
            var (broker, topic) = (sandbox.Bmw.Broker!, $"{sandbox.Bmw.Gcid}/{BmwCloudCar.Sample.Vin}");
            var trusted = Path.Combine(Path.GetTempPath(), $"sandbox-bmw-{broker.EndPoint.Port}.pem");
            await File.WriteAllTextAsync(trusted, broker.CertificatePem, cancellation);
            sandbox.Webex.DataSources.Add("https://voice.example.com/grpc");
            sandbox.Webex.DataSources.Add("https://archive.example.com/grpc", "The gateway is being moved");
            await output.WriteLineAsync(
                $"""
                Address:        {sandbox.Address.OriginalString}
                Client id:      {sandbox.Netatmo.ClientId}
                Client secret:  {sandbox.Netatmo.ClientSecret}
                Refresh token:  {sandbox.Netatmo.Login("read_station", "read_homecoach").RefreshToken}
                BMW client id:      {sandbox.Bmw.ClientId}
                BMW refresh token:  {sandbox.Bmw.Login().RefreshToken}
                BMW stream:         {broker.EndPoint}, to be trusted by {trusted}
                Ergani:         {ErganiCloud.AddressAt(sandbox.Address).OriginalString} as {sandbox.Ergani.Username} with {sandbox.Ergani.Password}
                Webex service app:    {sandbox.Webex.AppId} in {sandbox.Webex.OrgId}
                Webex client:         {sandbox.Webex.ClientId} with {sandbox.Webex.ClientSecret}
                Webex refresh token:  {sandbox.Webex.LoginServiceApp().RefreshToken}
                Webex personal token: {sandbox.Webex.LoginPersonal()}
                Webex integration:    {sandbox.Webex.IntegrationClientId} with {sandbox.Webex.IntegrationClientSecret}
                """);
            await output.FlushAsync(cancellation);
            await new BmwDrive(BmwCloudCar.Sample.Vin, options.Time).RunAsync(broker, topic, cancellation);
            File.Delete(trusted);
        }
        return 0;
    }

    /// <summary>The port behind the one that the sandbox listens on.</summary>
    private static IPEndPoint StreamBeside(IPEndPoint listen) => new(listen.Address, listen.Port is 0 or 65535 ? 0 : listen.Port + 1);

    private static IPEndPoint? Endpoint(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        // IPEndPoint reads "9300" as the address 0.0.36.84.
        if (text.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(text, out var endpoint) && !IPAddress.TryParse(text, out _))
        {
            return endpoint;
        }
        argument.AddError($"--listen {text}: write ADDRESS:PORT, such as 127.0.0.1:9300 or [::1]:9300.");
        return null;
    }

    private static NetatmoSample? Sample(ArgumentResult argument)
    {
        try
        {
            return NetatmoSample.Named(argument.Tokens[0].Value);
        }
        catch (InvalidDataException problem)
        {
            argument.AddError($"--stations {problem.Message}");
            return null;
        }
    }

    private static TimeSpan? Duration(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        var unit = text is [.., var last] ? last switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 } : 0;
        if (unit > 0 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)
        {
            return TimeSpan.FromSeconds((double)count * unit);
        }
        argument.AddError($"--access-lifetime {text}: write a number and its unit, such as 90s, 20m or 3h.");
        return null;
    }
}

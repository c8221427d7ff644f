using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Exporter.Sandbox.Command;

/// <summary>The sandbox as a command-line program.</summary>
internal static class SandboxCommand
{
    /// <summary>Without @FILE arguments, because a secret can start with @.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    public static RootCommand Create()
    {
        var listen = new Option<IPEndPoint>("--listen")
        {
            Description = "Address and port to listen on.",
            HelpName = "ADDRESS:PORT",
            DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 9300),
            CustomParser = Endpoint,
        };
        var lifetime = new Option<TimeSpan?>("--access-lifetime")
        {
            Description = "Lifetime of access tokens, such as 90s or 20m; by default as long as the provider's.",
            HelpName = "DURATION",
            CustomParser = Duration,
        };
        var providers = ProviderOptions.All.Select(provider => (Options: provider, Flags: provider.Flags.Select(OptionOf).ToList())).ToList();

        var command = new RootCommand("A local stand-in for the providers the exporter reads.") { listen, lifetime };
        providers.SelectMany(provider => provider.Flags).ToList().ForEach(command.Add);
        command.SetAction((parsed, cancellationToken) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var options = new SandboxOptions
            {
                Listen = parsed.GetRequiredValue(listen),
                Log = TextWriter.Synchronized(output).WriteLine,
                Providers = [.. providers.Select(provider => Set(provider.Options, provider.Flags))],
            };
            return Run(options, output, parsed.InvocationConfiguration.Error, cancellationToken);

            ProviderOptions Set(ProviderOptions provider, IEnumerable<Option<string[]>> flags)
            {
                provider = provider.ForCommand(parsed.GetRequiredValue(listen));
                provider = parsed.GetValue(lifetime) is { } span ? provider.WithAccessLifetime(span) : provider;
                return flags.Where(flag => parsed.GetResult(flag) is { Implicit: false })
                    .Aggregate(provider, (options, flag) => options.Flags.Single(f => f.Name == flag.Name).Apply(parsed.GetRequiredValue(flag)));
            }
        });
        return command;
    }

    private static Option<string[]> OptionOf(ProviderFlag flag)
    {
        var option = new Option<string[]>(flag.Name)
        {
            Description = flag.Help,
            HelpName = flag.Placeholder,
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [.. flag.Default],
        };
        option.Validators.Add(result =>
        {
            try
            {
                _ = result.Tokens.Count > 0 ? flag.Apply([.. result.Tokens.Select(token => token.Value)]) : null;
            }
            catch (InvalidDataException problem)
            {
                result.AddError($"{flag.Name} {problem.Message}");
            }
        });
        return option;
    }

    private static async Task<int> Run(SandboxOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        SandboxServer sandbox;
        try
        {
            sandbox = await SandboxServer.StartAsync(options, cancellationToken);
        }
        catch (IOException taken)
        {
            await error.WriteLineAsync($"Cannot listen on {options.Listen}: {taken.Message} Choose another address with --listen.");
            return 1;
        }
        await using (sandbox)
        {
            foreach (var line in await sandbox.DescribeAsync(cancellationToken))
            {
                await output.WriteLineAsync(line);
            }
            await output.FlushAsync(cancellationToken);
            await sandbox.RunAsync(cancellationToken);
        }
        return 0;
    }

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

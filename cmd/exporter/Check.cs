namespace Exporter;

/// <summary><c>exporter check</c>: whoever gets here has a configuration that is right.</summary>
internal static class Check
{
    public static async Task<int> RunAsync(Startup startup, TextWriter output)
    {
        foreach (var warning in startup.Warnings)
        {
            await output.WriteLineAsync($"warning: {warning}");
        }
        await output.WriteLineAsync($"The configuration is good: {string.Join(", ", startup.Accounts.Select(a => $"{a.Name} ({a.Source})"))}.");
        return 0;
    }
}

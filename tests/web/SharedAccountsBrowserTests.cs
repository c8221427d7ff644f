using Exporter.Accounts;
using Microsoft.Playwright;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The start page of shared accounts in a browser.</summary>
public sealed class SharedAccountsBrowserTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task The_page_fits_every_screen_and_leads_to_a_card()
    {
        await using var bench = await SharedBench.StartAsync();
        foreach (var i in Enumerable.Range(0, 25))
        {
            bench.Rows.Add($"vehicle-wba12345678{i:00}", i % 3 == 0 ? "fleet" : "home", i % 7 == 3 ? "lost" : i == 5 ? "refused" : "active");
        }
        await using var tab = await chromium.OpenAsync(bench.First.Address);
        await tab.CaptureAsync("shared-accounts");

        await tab.Page.GetByLabel("State").SelectOptionAsync("lost");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Find" }).ClickAsync();
        await tab.Page.GetByText("4 found.").WaitForAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Show all" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Next accounts" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "vehicle-wba1234567824" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" }).WaitForAsync();
        await tab.CaptureAsync("shared-account");

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "All accounts" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Next accounts" }).WaitForAsync();
        bench.Rows.Outage = new StoreOutage(bench.Clock.GetUtcNow(), "the connection was refused");
        await tab.Page.ReloadAsync();
        await tab.Page.GetByText("The database cannot be reached").WaitForAsync();
        await tab.CaptureAsync("shared-accounts-outage");
    }
}

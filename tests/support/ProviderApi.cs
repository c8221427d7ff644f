using System.Net;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tests.Support;

/// <summary>An API client as a source registers it, with every handler, but on a network of the test's.</summary>
internal static class ProviderApi
{
    /// <summary>All calls of the container go to this network.</summary>
    public static IServiceProvider Services(ISource source, HttpMessageHandler network, TimeProvider? time = null, ILoggerFactory? logging = null) =>
        Services(source, _ => network, time ?? new ManualTime(), logging ?? NullLoggerFactory.Instance);

    /// <summary>One client for many tests; each call goes to the network of its <see cref="StubAccount"/>.</summary>
    public static IServiceProvider Services(ISource source, TimeProvider time) =>
        Services(source, request => ((StubAccount)ApiAccount.Of(request)).Network, time, NullLoggerFactory.Instance);

    private static ServiceProvider Services(ISource source, Func<HttpRequestMessage, HttpMessageHandler> networkOf, TimeProvider time, ILoggerFactory logging)
    {
        var services = new ServiceCollection().AddSingleton(time).AddSingleton(logging).AddSources([source]);
        services.AddHttpClient(source.Name).ConfigurePrimaryHttpMessageHandler(() => new Network(networkOf));
        return services.BuildServiceProvider();
    }

    private sealed class Network(Func<HttpRequestMessage, HttpMessageHandler> networkOf) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var network = new HttpMessageInvoker(networkOf(request), disposeHandler: false);
            var response = await network.SendAsync(request, cancellationToken);
            // As the real one does.
            response.RequestMessage = request;
            return response;
        }
    }
}

/// <summary>An account with a network of its own, under the access token <c>the-token</c> that nobody renews.</summary>
internal sealed class StubAccount(HttpMessageHandler network, string address) : ApiAccount(new Secret("the-token"), new Uri(address))
{
    public HttpMessageHandler Network => network;
}

/// <summary>A network that gives the same answer to every call.</summary>
internal sealed class OneAnswer(HttpStatusCode status, byte[] body) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        Task.FromResult(new HttpResponseMessage(status) { Content = new ByteArrayContent(body) });
}

using System.Net;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tests.Support;

/// <summary>An API client as its source registers it, with every handler, on the network of a test.</summary>
internal static class ProviderApi
{
    /// <summary>Sends all calls of the container to this network.</summary>
    public static IServiceProvider Services(ISource source, HttpMessageHandler network, TimeProvider? time = null, ILoggerFactory? logging = null) =>
        Services(source, _ => network, time ?? new ManualTime(), logging ?? NullLoggerFactory.Instance);

    /// <summary>One client for many tests: sends each call to the network of its <see cref="StubAccount"/>.</summary>
    public static IServiceProvider Services(ISource source, TimeProvider time) =>
        Services(source, request => ((StubAccount)ApiAccount.Of(request)).Network, time, NullLoggerFactory.Instance);

    private static ServiceProvider Services(
        ISource source, Func<HttpRequestMessage, HttpMessageHandler> networkOf, TimeProvider time, ILoggerFactory logging)
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

/// <summary>An account with its own network and the access token <c>the-token</c>, which is never renewed.</summary>
internal sealed class StubAccount(HttpMessageHandler network, string address) : ApiAccount(new Secret("the-token"), new Uri(address))
{
    public HttpMessageHandler Network => network;
}

/// <summary>A network that returns the same response to every call.</summary>
internal sealed class OneAnswer(HttpStatusCode status, byte[] body) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        Task.FromResult(new HttpResponseMessage(status) { Content = new ByteArrayContent(body) });
}

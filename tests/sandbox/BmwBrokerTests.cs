using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The stand-in for BMW's stream is as strict as BMW's.</summary>
public sealed class BmwBrokerTests : IAsyncLifetime
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly ManualTime time = new();
    private BmwBroker broker = null!;
    private X509Certificate2 certificate = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var end = time.GetUtcNow() + Lifetime;
        broker = await BmwBroker.StartAsync(new IPEndPoint(IPAddress.Loopback, 0),
            new BrokerRules(
                (account, password) => account is "gcid" or "other" && password == $"live {account}" && end > time.GetUtcNow() ? end : null, time));
        certificate = X509Certificate2.CreateFromPem(broker.CertificatePem);
    }

    public async ValueTask DisposeAsync()
    {
        await broker.DisposeAsync();
        certificate.Dispose();
    }

    [Theory]
    [InlineData(MqttQualityOfServiceLevel.AtMostOnce, MqttClientSubscribeResultCode.GrantedQoS0)]
    [InlineData(MqttQualityOfServiceLevel.AtLeastOnce, MqttClientSubscribeResultCode.GrantedQoS1)]
    public async Task Messages_arrive_with_the_requested_quality_of_service(MqttQualityOfServiceLevel asked, MqttClientSubscribeResultCode granted)
    {
        await using var client = await Accepted();
        Assert.Equal([granted], await client.Subscribe(asked, "gcid/+"));

        Assert.Equal(0, await broker.PublishAsync("other/vin", "not ours"u8.ToArray()));
        Assert.Equal(1, await broker.PublishAsync("gcid/vin", "grüezi"u8.ToArray()));

        var message = await client.Messages.ReadAsync(Cancellation);
        Assert.Equal(("gcid/vin", "grüezi", asked), (message.Topic, message.ConvertPayloadToString(), message.QualityOfServiceLevel));
    }

    [Theory]
    [InlineData("gcid", "live other", MqttClientConnectResultCode.NotAuthorized)]
    [InlineData("someone", "live gcid", MqttClientConnectResultCode.NotAuthorized)]
    [InlineData("gcid", "", MqttClientConnectResultCode.BadUserNameOrPassword)]
    public async Task A_connection_without_a_valid_token_is_rejected(string account, string password, MqttClientConnectResultCode code)
    {
        await using var client = await Connect(account, password);
        Assert.Equal(code, client.Answer.ResultCode);
        Assert.Equal(0, broker.Connects);
    }

    [Fact]
    public async Task A_connection_closes_when_its_token_expires()
    {
        await using var connection = await Accepted(keepAlive: 2 * Lifetime);

        time.Advance(Lifetime - TimeSpan.FromSeconds(1));
        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await connection.Subscribe("gcid/+"));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(MqttClientDisconnectReason.MaximumConnectTime, (await connection.Ended).Reason);
        await using var again = await Connect("gcid", "live gcid");
        Assert.Equal(MqttClientConnectResultCode.NotAuthorized, again.Answer.ResultCode);
    }

    [Fact]
    public async Task A_client_that_is_silent_for_one_and_a_half_keep_alives_is_disconnected()
    {
        await using var connection = await Accepted();

        time.Advance(TimeSpan.FromSeconds(44));
        await connection.Subscribe("gcid/+");
        time.Advance(TimeSpan.FromSeconds(44));
        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await connection.Subscribe("gcid/+"));
        time.Advance(TimeSpan.FromSeconds(45));

        Assert.Equal(MqttClientDisconnectReason.KeepAliveTimeout, (await connection.Ended).Reason);
    }

    [Fact]
    public async Task A_topic_of_another_account_is_rejected_and_closes_the_connection()
    {
        await using var connection = await Accepted();

        var answers = await connection.Subscribe("gcid/vin", "other/vin");

        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1, MqttClientSubscribeResultCode.NotAuthorized], answers);
        Assert.Equal(MqttClientDisconnectReason.NotAuthorized, (await connection.Ended).Reason);
        Assert.Equal(0, await broker.PublishAsync("gcid/vin", "{}"u8.ToArray()));
    }

    [Fact]
    public async Task Of_many_connections_of_one_account_one_stays_and_the_others_get_the_reason()
    {
        await using var other = await Accepted("other");
        var connections = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Accepted()));

        var open = connections.ToList();
        while (open.Count > 1)
        {
            // Waits in real time, because no clock of the test drives the connections.
            var ended = await Task.WhenAny(open.Select(c => c.Ended)).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation);
            Assert.Equal(MqttClientDisconnectReason.SessionTakenOver, (await ended).Reason);
            open.RemoveAll(c => c.Ended.IsCompleted);
        }

        var last = Assert.Single(open);
        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await last.Subscribe("gcid/+"));
        Assert.Equal((1, false), (await broker.PublishAsync("gcid/vin", "{}"u8.ToArray()), other.Ended.IsCompleted));
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_connection_of_the_same_account_takes_over_even_with_another_client_identifier()
    {
        await using var first = await Accepted();
        await using var second = await Connect("gcid", "live gcid", clientIdentifier: "");

        Assert.Equal(MqttClientDisconnectReason.SessionTakenOver, (await first.Ended).Reason);
        Assert.NotEmpty(second.Answer.AssignedClientIdentifier);
        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await second.Subscribe("gcid/+"));
    }

    [Fact]
    public async Task The_broker_can_be_made_to_reject_and_to_close_connections()
    {
        // The broker counts and closes only connections that it serves, which the response to SUBSCRIBE confirms.
        await using (var connection = await Accepted())
        {
            Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await connection.Subscribe("gcid/+"));
            broker.DropConnections();
            // There was no DISCONNECT.
            Assert.Equal(MqttClientDisconnectReason.NormalDisconnection, (await connection.Ended).Reason);
        }

        broker.RejectionCode = (byte)MqttClientConnectResultCode.ServerBusy;
        await using (var refused = await Connect("gcid", "live gcid"))
        {
            Assert.Equal(MqttClientConnectResultCode.ServerBusy, refused.Answer.ResultCode);
        }
        broker.RejectionCode = null;
        await using var again = await Accepted();
        Assert.Equal([MqttClientSubscribeResultCode.GrantedQoS1], await again.Subscribe("gcid/+"));
        Assert.Equal(2, broker.Connects);
    }

    [Theory]
    // A CONNECT with a property length of five bytes, a truncated CONNECT, an unterminated remaining length, and a ping before any CONNECT.
    [InlineData("10140004 4D515454 05C2001E FFFFFFFF 7F00 000000000000")]
    [InlineData("1006 0004 4D515454")]
    [InlineData("10FFFFFFFF7F")]
    [InlineData("C000")]
    public async Task Invalid_bytes_close_only_their_own_connection(string hex)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(broker.EndPoint, Cancellation);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(Mosquitto.Tls([certificate]), Cancellation);
        await tls.WriteAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), Cancellation);
        Assert.Equal(0, await tls.ReadAsync(new byte[1], Cancellation));

        await using var connection = await Accepted();
        // Stopping the broker throws any exception that it did not handle.
        await broker.DisposeAsync();
    }

    private async Task<Client> Accepted(string account = "gcid", TimeSpan? keepAlive = null)
    {
        var client = await Connect(account, $"live {account}", keepAlive);
        Assert.Equal(MqttClientConnectResultCode.Success, client.Answer.ResultCode);
        return client;
    }

    private Task<Client> Connect(string account, string password, TimeSpan? keepAlive = null, string? clientIdentifier = null) => Client.Connect(
        new MqttClientOptionsBuilder().WithProtocolVersion(MqttProtocolVersion.V500).WithCleanStart()
            .WithTcpServer("127.0.0.1", broker.EndPoint.Port)
            .WithTlsOptions(tls => tls.WithCertificateValidationHandler(shown => shown.Certificate.Equals(certificate)))
            .WithClientId(clientIdentifier ?? account).WithCredentials(account, password)
            .WithKeepAlivePeriod(keepAlive ?? TimeSpan.FromSeconds(30)).Build());

    /// <summary>MQTTnet's client, which collects its messages.</summary>
    private sealed class Client : IAsyncDisposable
    {
        private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
        private readonly Channel<MqttApplicationMessage> messages = Channel.CreateUnbounded<MqttApplicationMessage>();
        private readonly TaskCompletionSource<MqttClientDisconnectedEventArgs> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public MqttClientConnectResult Answer { get; private set; } = new();

        public ChannelReader<MqttApplicationMessage> Messages => messages.Reader;

        public Task<MqttClientDisconnectedEventArgs> Ended => ended.Task;

        public static async Task<Client> Connect(MqttClientOptions options)
        {
            var made = new Client();
            made.client.DisconnectedAsync += gone =>
            {
                made.ended.TrySetResult(gone);
                return Task.CompletedTask;
            };
            made.client.ApplicationMessageReceivedAsync += async received =>
                await made.messages.Writer.WriteAsync(received.ApplicationMessage, Cancellation);
            made.Answer = await made.client.ConnectAsync(options, Cancellation);
            return made;
        }

        public Task<IEnumerable<MqttClientSubscribeResultCode>> Subscribe(params IEnumerable<string> filters) =>
            Subscribe(MqttQualityOfServiceLevel.AtLeastOnce, filters);

        public async Task<IEnumerable<MqttClientSubscribeResultCode>> Subscribe(MqttQualityOfServiceLevel asked, params IEnumerable<string> filters)
        {
            var options = new MqttClientSubscribeOptionsBuilder();
            foreach (var filter in filters)
            {
                options.WithTopicFilter(filter, asked);
            }
            return (await client.SubscribeAsync(options.Build(), Cancellation)).Items.Select(item => item.ResultCode);
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                if (client.IsConnected)
                {
                    await client.DisconnectAsync(new MqttClientDisconnectOptions(), CancellationToken.None);
                }
            }
            catch (MqttCommunicationException)
            {
                // The broker closed the connection at the same time.
            }
            client.Dispose();
        }
    }
}

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.BmwCarData;
using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The stand-in of BMW's stream by itself: it is as strict as BMW's.</summary>
public sealed class BmwBrokerTests : IAsyncLifetime
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly ManualTime time = new();

    /// <summary>The clients' own clock: it stands still, so that none of them pings.</summary>
    private readonly ManualTime clients = new();
    private BmwBroker broker = null!;
    private X509Certificate2 certificate = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var end = time.GetUtcNow() + Lifetime;
        broker = await BmwBroker.StartAsync(new IPEndPoint(IPAddress.Loopback, 0),
            new BrokerRules((account, password) => account is "gcid" or "other" && password == $"live {account}" && end > time.GetUtcNow() ? end : null, time));
        certificate = X509Certificate2.CreateFromPem(broker.CertificatePem);
    }

    public async ValueTask DisposeAsync()
    {
        await broker.DisposeAsync();
        certificate.Dispose();
    }

    [Theory]
    [InlineData(MqttQualityOfServiceLevel.AtMostOnce, (int)ReasonCode.Success)]
    [InlineData(MqttQualityOfServiceLevel.AtLeastOnce, (int)ReasonCode.GrantedQoS1)]
    public async Task Messages_come_at_the_quality_that_was_asked_for(MqttQualityOfServiceLevel asked, int number)
    {
        var granted = (ReasonCode)number;
        await using var connection = await Accepted();
        var answer = Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/+", asked)], Cancellation));
        Assert.Equal([new FilterAnswer("gcid/+", granted)], answer.Answers);

        Assert.Equal(0, await broker.PublishAsync("other/vin", "not ours"u8.ToArray()));
        Assert.Equal(1, await broker.PublishAsync("gcid/vin", "grüezi"u8.ToArray()));

        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Equal(("gcid/vin", "grüezi", asked), (message.Topic, Encoding.UTF8.GetString(message.Payload.Span), message.QoS));
            break;
        }
    }

    [Theory]
    [InlineData("gcid", "live other", (int)ReasonCode.NotAuthorized)]
    [InlineData("someone", "live gcid", (int)ReasonCode.NotAuthorized)]
    [InlineData("gcid", "", (int)ReasonCode.BadUserNameOrPassword)]
    public async Task Who_brings_no_live_token_of_his_own_is_refused(string account, string password, int number)
    {
        var code = (ReasonCode)number;
        Assert.Equal(code, Assert.IsType<ConnectOutcome.Refused>(await Connect(account, password)).Code);
        Assert.Equal(0, broker.Connects);
    }

    [Fact]
    public async Task A_connection_ends_with_its_token_and_that_opens_no_other()
    {
        await using var connection = await Accepted(keepAlive: 2 * Lifetime);

        time.Advance(Lifetime - TimeSpan.FromSeconds(1));
        Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/+")], Cancellation));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.MaximumConnectTime, null), await connection.Ended);
        Assert.Equal(ReasonCode.NotAuthorized, Assert.IsType<ConnectOutcome.Refused>(await Connect("gcid", "live gcid")).Code);
    }

    [Fact]
    public async Task A_client_that_says_nothing_for_one_and_a_half_keep_alives_is_sent_away()
    {
        await using var connection = await Accepted();

        time.Advance(TimeSpan.FromSeconds(44));
        await connection.SubscribeAsync([new("gcid/+")], Cancellation);
        time.Advance(TimeSpan.FromSeconds(44));
        Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/+")], Cancellation));
        time.Advance(TimeSpan.FromSeconds(45));

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.KeepAliveTimeout, null), await connection.Ended);
    }

    [Fact]
    public async Task A_foreign_topic_is_refused_and_costs_the_connection()
    {
        await using var connection = await Accepted();

        var outcome = await connection.SubscribeAsync([new("gcid/vin"), new("other/vin")], Cancellation);

        Assert.Equal([ReasonCode.GrantedQoS1, ReasonCode.NotAuthorized], Assert.IsType<SubscribeOutcome.Refused>(outcome).Answers.Select(a => a.Code));
        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.NotAuthorized, null), await connection.Ended);
        Assert.Equal(0, await broker.PublishAsync("gcid/vin", "{}"u8.ToArray()));
    }

    [Fact]
    public async Task Of_many_connections_of_one_account_one_stays_and_the_others_hear_why()
    {
        await using var other = await Accepted("other");
        var connections = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Accepted()));

        var open = connections.ToList();
        while (open.Count > 1)
        {
            // What the test waits for is the machine, not a clock.
            var ended = await Task.WhenAny(open.Select(c => c.Ended)).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation);
            Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, null), await ended);
            open.RemoveAll(c => c.Ended.IsCompleted);
        }

        var last = Assert.Single(open);
        Assert.IsType<SubscribeOutcome.Granted>(await last.SubscribeAsync([new("gcid/+")], Cancellation));
        Assert.Equal((1, false), (await broker.PublishAsync("gcid/vin", "{}"u8.ToArray()), other.Ended.IsCompleted));
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_connection_of_the_same_account_takes_over_also_under_another_client_identifier()
    {
        await using var first = await Accepted();
        await using var second = Assert.IsType<ConnectOutcome.Accepted>(await Connect("gcid", "live gcid", clientIdentifier: "")).Connection;

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, null), await first.Ended);
        Assert.NotEmpty(second.Session.ClientIdentifier);
        Assert.IsType<SubscribeOutcome.Granted>(await second.SubscribeAsync([new("gcid/+")], Cancellation));
    }

    [Fact]
    public async Task It_can_be_told_to_refuse_and_to_cut()
    {
        // It counts whom it has let in, and can cut them, once it has begun to serve them: an answer to SUBSCRIBE shows that it has.
        await using (var connection = await Accepted())
        {
            Assert.IsType<SubscribeOutcome.Granted>(await connection.SubscribeAsync([new("gcid/+")], Cancellation));
            broker.Cut();
            Assert.IsType<ConnectionEnd.NetworkLost>(await connection.Ended);
        }

        broker.Refusal = (byte)ReasonCode.ServerBusy;
        Assert.Equal(ReasonCode.ServerBusy, Assert.IsType<ConnectOutcome.Refused>(await Connect("gcid", "live gcid")).Code);
        broker.Refusal = null;
        await using var again = await Accepted();
        Assert.IsType<SubscribeOutcome.Granted>(await again.SubscribeAsync([new("gcid/+")], Cancellation));
        Assert.Equal(2, broker.Connects);
    }

    [Theory]
    // A CONNECT whose properties have a length of five bytes, one that ends in the middle, a remaining length without an end, and a ping before any CONNECT.
    [InlineData("10140004 4D515454 05C2001E FFFFFFFF 7F00 000000000000")]
    [InlineData("1006 0004 4D515454")]
    [InlineData("10FFFFFFFF7F")]
    [InlineData("C000")]
    public async Task Broken_bytes_end_that_connection_and_nothing_else(string hex)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(broker.EndPoint, Cancellation);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(Mosquitto.Tls([certificate]), Cancellation);
        await tls.WriteAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), Cancellation);
        Assert.Equal(0, await tls.ReadAsync(new byte[1], Cancellation));

        await using var connection = await Accepted();
        // The broker's end tells of whatever it did not foresee.
        await broker.DisposeAsync();
    }

    private async Task<MqttConnection> Accepted(string account = "gcid", TimeSpan? keepAlive = null) =>
        Assert.IsType<ConnectOutcome.Accepted>(await Connect(account, $"live {account}", keepAlive)).Connection;

    private Task<ConnectOutcome> Connect(string account, string password, TimeSpan? keepAlive = null, string? clientIdentifier = null)
    {
        var options = new MqttOptions
        {
            Host = "127.0.0.1",
            Port = broker.EndPoint.Port,
            ClientIdentifier = clientIdentifier ?? account,
            UserName = account,
            KeepAlive = keepAlive ?? TimeSpan.FromSeconds(30),
            Password = Encoding.UTF8.GetBytes(password),
            Tls = Mosquitto.Tls([certificate]),
        };
        return MqttConnection.ConnectAsync(options, clients, NullLogger.Instance, Cancellation);
    }
}

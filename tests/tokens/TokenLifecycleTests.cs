using CsCheck;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Invariants of the lifecycle for every sequence of events. CsCheck generates the sequences and shrinks a failing one.</summary>
public sealed class TokenLifecycleTests
{
    private static readonly Gen<(int Event, int Variant)[]> Sequences = Gen.Select(Gen.Int[0, 6], Gen.Int[0, 9]).Array[1, 80];

    [Fact]
    public void A_spent_refresh_token_is_never_sent_again() => Check(run => Assert.Empty(run.SentTwice));

    [Fact]
    public void A_renewed_token_is_in_use_only_after_its_write() => Check(run => Assert.False(run.WasPublishedUnsaved));

    [Fact]
    public void A_login_is_lost_only_when_the_provider_rejects_its_grant() => Check(run => Assert.False(run.WasLostWithoutRejection));

    [Fact]
    public void Every_state_that_can_recover_by_itself_has_a_next_time() => Check(run =>
    {
        Assert.False(run.State is TokenState.Active { Held.RefreshToken: not null } or TokenState.InvalidClient && run.Lifecycle.NextRenewal is null);
        if (run.Lifecycle.Snapshot.Unpersisted is { } unpersisted)
        {
            var retryAt = unpersisted.RetryAt > run.Now.Utc ? unpersisted.RetryAt : run.Now.Utc;
            Assert.True(run.Lifecycle.IsWriteDue(run.At(retryAt)), "the token is not written again");
        }
        Assert.True(run.Lifecycle.IsDue(run.At(run.Now.Utc + run.Options.ReadEvery)), "the store is not read again");
    });

    [Fact]
    public void A_token_that_is_not_saved_is_reported_until_it_is() => Check(run =>
        Assert.Equal(run.IsInMemoryOnly, run.Lifecycle.Snapshot.Unpersisted is not null));

    private static void Check(Action<Run> invariant) => Sequences.Sample(
        sequence =>
        {
            var run = new Run();
            foreach (var (@event, variant) in sequence)
            {
                run.Step(@event, variant);
                invariant(run);
            }
        },
        iter: 3000);

    /// <summary>A lifecycle with a store and a provider that return any result at any time.</summary>
    private sealed class Run
    {
        private readonly HashSet<string> spent = [];
        private int number;

        public Run()
        {
            Lifecycle = new TokenLifecycle(new LifecycleRules(Options, token => token?.RefreshToken is not null, "the store"));
            Lifecycle = Lifecycle.Read(new ReadResult.Held(NewToken(), NewStamp()), Now).Loaded(ignoresLogout: false, Now);
        }

        public TokenManagerOptions Options { get; } = new() { Random = new Random(1) };

        public Instant Now { get; private set; } = new(ManualTime.Start, 0, 1000);

        public TokenLifecycle Lifecycle { get; private set; }

        public TokenState State => Lifecycle.Snapshot.State;

        public List<string> SentTwice { get; } = [];

        public bool WasPublishedUnsaved { get; private set; }

        public bool WasLostWithoutRejection { get; private set; }

        public bool IsInMemoryOnly { get; private set; }

        /// <summary>The same moment on both clocks.</summary>
        public Instant At(DateTimeOffset at) =>
            Now with { Utc = at, Timestamp = Now.Timestamp + (long)((at - Now.Utc).TotalSeconds * Now.Frequency) };

        public void Step(int @event, int variant)
        {
            var wasLost = State is TokenState.Lost;
            switch (@event)
            {
                case 0:
                    Now = At(Now.Utc + TimeSpan.FromMinutes(Math.Pow(3, variant - 3)));
                    break;
                case 1:
                    Read(variant);
                    break;
                case 2 or 3:
                    Renew(@event == 2 ? new RenewalCause.Due() : new RenewalCause.Requested(State), variant);
                    return;
                case 4:
                    Renew(new RenewalCause.Rejected(State.Token?.AccessToken ?? new Secret("none")), variant);
                    return;
                case 5:
                    Lifecycle = Lifecycle.LoggedIn(NewToken(), Lifecycle.Stamp, Now);
                    Write(variant);
                    break;
                case 6 when variant < 2:
                    // A logout starts over: an old file that a user restores after it is tried.
                    Lifecycle = Lifecycle.Forgotten();
                    IsInMemoryOnly = false;
                    spent.Clear();
                    break;
                default:
                    Lifecycle = Lifecycle.IsWriteDue(Now) ? Lifecycle.WritesAgain() : Lifecycle;
                    Write(variant);
                    break;
            }
            WasLostWithoutRejection |= !wasLost && State is TokenState.Lost;
        }

        private void Read(int variant)
        {
            Lifecycle = Lifecycle.Read(
                variant switch
                {
                    0 => new ReadResult.Empty(),
                    1 => new ReadResult.LoggedOut(),
                    2 => new ReadResult.Damaged("damaged", variant % 2 == 0 ? null : "aside"),
                    3 => new ReadResult.Unreadable("no permission"),
                    4 or 5 when spent.LastOrDefault() is { } old && Lifecycle.Stamp is not null =>
                        new ReadResult.Held(NewToken() with { RefreshToken = new Secret(old) }, NewStamp()),
                    6 => new ReadResult.Held(NewToken(), NewStamp()),
                    _ => State.Token is { } token && Lifecycle.Stamp is { } stamp ? new ReadResult.Held(token, stamp) : new ReadResult.Empty(),
                },
                Now);
            IsInMemoryOnly &= !Lifecycle.WasChangedByOthers;
            if (State is TokenState.Missing)
            {
                spent.Clear();
            }
        }

        private void Renew(RenewalCause cause, int variant)
        {
            if (!Lifecycle.Renews(cause, Now))
            {
                return;
            }
            var (sent, before) = (State.Token?.RefreshToken?.Reveal(), State);
            if (sent is not null && spent.Contains(sent))
            {
                SentTwice.Add(sent);
            }
            Renewal outcome = variant switch
            {
                0 or 1 => new Renewal.Transient(FailureKind.Timeout, "no answer"),
                2 => new Renewal.InvalidClient("not accepted"),
                3 => new Renewal.InvalidGrant("revoked"),
                _ => new Renewal.Renewed(NewToken()),
            };
            Lifecycle = Lifecycle.Attempted(outcome, TimeSpan.Zero, Now);
            if (outcome is not Renewal.Renewed(var token))
            {
                Lifecycle = Lifecycle.RenewalFailed(outcome, cause, Now);
                WasLostWithoutRejection |= before is not TokenState.Lost && State is TokenState.Lost && outcome is not Renewal.InvalidGrant;
                return;
            }
            if (sent is not null)
            {
                spent.Clear();
                spent.Add(sent);
            }
            Lifecycle = Lifecycle.Renewed(token, Now);
            WasPublishedUnsaved |= !ReferenceEquals(State, before);
            Write(variant);
        }

        private void Write(int variant)
        {
            for (; Lifecycle.Unsaved is { } token; variant = 9)
            {
                WriteResult result = variant switch
                {
                    4 => new WriteResult.Failed("disk full"),
                    5 => new WriteResult.Conflict(new ReadResult.Held(NewToken(), NewStamp())),
                    6 => new WriteResult.LoggedOut(),
                    7 when spent.LastOrDefault() is { } old =>
                        new WriteResult.Conflict(new ReadResult.Held(NewToken() with { RefreshToken = new Secret(old) }, NewStamp())),
                    _ => new WriteResult.Written(NewStamp()),
                };
                Lifecycle = Lifecycle.Written(token, result, Now);
                IsInMemoryOnly = Lifecycle.Unsaved is null ? result is WriteResult.Failed : IsInMemoryOnly;
                if (State is TokenState.Missing)
                {
                    spent.Clear();
                }
            }
        }

        private string NewStamp() => $"stamp-{++number}";

        private Token NewToken() => new()
        {
            AccessToken = new Secret($"access-{++number}"),
            RefreshToken = new Secret($"refresh-{number}"),
            ExpiresAt = Now.Utc + TimeSpan.FromHours(3),
            Lifetime = TimeSpan.FromHours(3),
        };
    }
}

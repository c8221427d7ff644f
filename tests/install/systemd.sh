#!/usr/bin/env bash
# The units: judged by systemd-analyze, then started by a real systemd, which is process 1 of a Debian in namespaces of its own.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs curl debootstrap dpkg-deb jq pgrep systemd-nspawn
published_program
debian=$work/debian
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
packages/build --published "$published" --output "$work/packages" >/dev/null
bare_debian "$debian"
cp "$work/packages/exporter_${version}_amd64.deb" "$debian/exporter.deb"
quietly chroot "$debian" sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends systemd systemd-sysv dbus /exporter.deb'

for unit in exporter exporter-keep; do
  understood() { local said; said=$(chroot "$debian" systemd-analyze verify --man=no $unit.service 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }; }
  check "systemd understands each line of $unit.service" understood
  hardened() { chroot "$debian" systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/$unit.service; }
  check "systemd-analyze security gives $unit.service 2.0 at most, which it calls OK" hardened
  limited() { grep -q '^StartLimitBurst=5$' examples/systemd/$unit.service && grep -q '^StartLimitIntervalSec=600$' examples/systemd/$unit.service; }
  check "$unit.service is started five times in ten minutes at most" limited
done

# A system of its own for real; not every machine lets one be started inside it.
systemd-nspawn -q -D "$debian" --register=no --keep-unit --machine=exporter-test --boot > "$work/boot" 2>&1 < /dev/null &
nspawn=$!
first() { leader=$(pgrep -P $nspawn -x systemd | head -n 1) && [ -n "$leader" ]; }
inside() { nsenter -t "$leader" --mount --uts --ipc --pid --cgroup --root --wd "$@"; }
clean_up() {
  [ -n "${leader:-}" ] && kill -s RTMIN+4 "$leader" 2>/dev/null && timeout 120 tail --pid=$nspawn -f /dev/null || true
  kill -9 $nspawn 2>/dev/null || true
}
up() { first && inside systemctl is-system-running 2>/dev/null | grep -E 'running|degraded'; }
if ! eventually up >/dev/null; then
  { echo "# systemd cannot be started here, so the units were not run:"; tail -n 20 "$work/boot" | sed 's/^/# /'; } | tee -a "$results"
  exit 0
fi
property() { inside systemctl show -P "$1" "${2:-exporter}"; }
is() { [ "$(property "$1" "${3:-exporter}")" = "$2" ] || { inside systemctl status --no-pager "${3:-exporter}"; return 1; }; }

check "the package has neither enabled nor started the unit" eval '! inside systemctl is-enabled exporter && is ActiveState inactive'

start_sandbox
fill_in "$debian/etc/exporter" 127.0.0.1:29212
# The lines that the unit and the example say; and shorter times than its own, to see what they do.
mkdir -p "$debian/etc/systemd/system/exporter.service.d"
printf '[Service]\nLoadCredential=home-secret.txt:/etc/exporter/home-secret.txt\nWatchdogSec=10\nRestartSec=1\n' > "$debian/etc/systemd/system/exporter.service.d/override.conf"
install -d -m 700 "$debian/var/lib/exporter"
echo "{\"refresh_token\":\"$(sandbox "Refresh token")\"}" > "$debian/var/lib/exporter/home-token.json"
inside systemctl daemon-reload

enabled() { inside systemctl enable --now exporter || { inside journalctl --no-pager -u exporter; return 1; }; }
check "systemctl enable --now comes back when the exporter is ready" enabled
listens() { curl -fsS http://127.0.0.1:29212/-/healthy; }
check "and at that moment it answers" listens
scraped() { curl -fsS http://127.0.0.1:29212/metrics | has_series netatmo_sensor_temperature_celsius 'account="home"'; }
check "the configuration and its secret, which root alone can read, were handed over: it is scraped" eventually scraped
token=/var/lib/private/exporter/home-token.json
nobody() { local pid; pid=$(property MainPID) && [ "$(inside stat -c %u "/proc/$pid")" -ge 61184 ] && [ "$(inside stat -c %a:%u $token)" = "600:$(inside stat -c %u "/proc/$pid")" ]; }
check "it runs as a user made for it, who alone reads the token" nobody
owner=$(inside stat -c %u $token)
root_renews() { inside exporter refresh home --config /etc/exporter/exporter.yml < /dev/null && [ "$(inside stat -c %a:%u $token)" = "600:$owner" ]; }
check "root renews beside it, and the token file stays its user's" root_renews

now_runs() { pid=$(property MainPID) restarts=$(property NRestarts); }
now_runs
inside systemctl kill --signal=STOP exporter
restarted() { [ "$(property NRestarts)" -gt "$restarts" ] && [ "$(property MainPID)" != "$pid" ] && is ActiveState active; }
check "one that hangs is ended by the watchdog and started again" eventually restarted
check "and is scraped" eventually scraped
now_runs
inside systemctl kill --signal=KILL exporter
check "so is one that was killed" eventually restarted
pid=$(property MainPID)
requests=$(counted .endpoints.token.requests)

renumbered() { dpkg-deb -R "$debian/exporter.deb" "$work/next" && sed -i 's/^Version: .*/Version: 9.0.0/' "$work/next/DEBIAN/control" && dpkg-deb --root-owner-group -Znone -b "$work/next" "$debian/next.deb"; }
renumbered >/dev/null
check "an upgrade" inside dpkg -i /next.deb
upgraded() { [ "$(property MainPID)" != "$pid" ] && is ActiveState active && is NRestarts 0; }
check "restarts it" upgraded
check "with the login kept" eventually scraped
check "and no token asked for" [ "$(counted .endpoints.token.requests)" = "$requests" ]

inside systemctl stop exporter
check "told to end, it ends in order" is Result success
echo "nonsense: true" >> "$debian/etc/exporter/exporter.yml"
inside systemctl reset-failed exporter
inside systemctl start exporter 2>/dev/null || true
given_up() { is ActiveState failed && [ "$(property NRestarts)" -le 5 ]; }
check "with a configuration that is wrong it is given up" eventually given_up
check "and no provider was asked" [ "$(counted .endpoints.token.requests)" = "$requests" ]
says_why() { inside journalctl --no-pager -u exporter | grep 'nonsense'; }
check "the journal says what is wrong" says_why

# The other unit, on a token file of the car's.
install -d -m 700 "$debian/var/lib/exporter-keep"
echo "BMW_AUTH_URL=$(sandbox Address)" > "$debian/etc/default/exporter-keep"
inside systemctl start exporter-keep 2>/dev/null || true
stays() { eventually is ActiveState failed exporter-keep && is ExecMainStatus 1 exporter-keep && is NRestarts 0 exporter-keep; }
check "keep without a token file ends, and is not started again before somebody logs in" stays
echo "{\"refresh_token\":\"$(sandbox "BMW refresh token")\",\"client_id\":\"$(sandbox "BMW client id")\"}" > "$debian/var/lib/private/exporter-keep/token.json"
inside systemctl reset-failed exporter-keep
check "with one that root put there it starts" inside systemctl start exporter-keep
kept() { jq -e .access_token "$debian/var/lib/private/exporter-keep/token.json"; }
check "and renews" eventually kept
saved() { ! inside journalctl --no-pager -u exporter-keep | grep 'cannot be saved'; }
check "into that file" saved

sed -i '/^nonsense/d' "$debian/etc/exporter/exporter.yml"
inside systemctl reset-failed exporter
inside systemctl start exporter
check "a removal" inside dpkg --remove exporter
gone() { ! inside systemctl is-enabled exporter exporter-keep && is ActiveState inactive && is ActiveState inactive exporter-keep; }
check "ends both and disables what was enabled" gone
check "a purge" inside dpkg --purge exporter
nothing_left() { ! inside find /etc /var/lib /usr /run -xdev -name 'exporter*' ! -path '*/systemd/system/exporter.service.d*' -print | grep .; }
check "leaves nothing behind but what was edited" nothing_left

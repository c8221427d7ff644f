#!/usr/bin/env bash
# Checks the units with systemd-analyze, then runs them under a real systemd, process 1 of a Debian in its own namespaces.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs curl debootstrap dpkg-deb jq pgrep systemd-nspawn
published_program
debian=$work/debian
packages/build --published "$published" --output "$work/packages" >/dev/null
bare_debian "$debian"
cp "$work/packages/oauth-exporter_${version}_amd64.deb" "$debian/exporter.deb"
old_package "$debian/old.deb"
quietly chroot "$debian" sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends systemd systemd-sysv dbus /exporter.deb'

for unit in oauth-exporter oauth-exporter-keep; do
  understood() { local output; output=$(chroot "$debian" systemd-analyze verify --man=no $unit.service 2>&1) && [ -z "$output" ] || { echo "$output"; return 1; }; }
  check "systemd accepts each line of $unit.service" understood
  hardened() { chroot "$debian" systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/$unit.service; }
  check "systemd-analyze security rates $unit.service OK, at most 2.0" hardened
  limited() { grep -q '^StartLimitBurst=5$' examples/systemd/$unit.service && grep -q '^StartLimitIntervalSec=600$' examples/systemd/$unit.service; }
  check "$unit.service starts at most five times in ten minutes" limited
done

# A real system. Not every machine allows one inside it.
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
  { echo "# systemd cannot start here, so the units did not run:"; tail -n 20 "$work/boot" | sed 's/^/# /'; } | tee -a "$results"
  exit 0
fi
property() { inside systemctl show -P "$1" "${2:-oauth-exporter}"; }
is() { [ "$(property "$1" "${3:-oauth-exporter}")" = "$2" ] || { inside systemctl status --no-pager "${3:-oauth-exporter}"; return 1; }; }

check "the package neither enables nor starts the unit" eval '! inside systemctl is-enabled oauth-exporter && is ActiveState inactive'

start_sandbox
fill_in "$debian/etc/exporter" 127.0.0.1:29212
# A drop-in under the old name of the unit, with the line for the secret, and with shorter times for this test.
mkdir -p "$debian/etc/systemd/system/exporter.service.d"
printf '[Service]\nLoadCredential=home-secret.txt:/etc/exporter/home-secret.txt\nWatchdogSec=10\nRestartSec=1\n' > "$debian/etc/systemd/system/exporter.service.d/override.conf"
install -d -m 700 "$debian/var/lib/exporter"
echo "{\"refresh_token\":\"$(sandbox "Refresh token")\"}" > "$debian/var/lib/exporter/home-token.json"
inside systemctl daemon-reload

enabled() { inside systemctl enable --now oauth-exporter || { inside journalctl --no-pager -u oauth-exporter; return 1; }; }
check "systemctl enable --now returns when the exporter is ready" enabled
listens() { curl -fsS http://127.0.0.1:29212/-/healthy; }
check "at that moment it responds" listens
scraped() { curl -fsS http://127.0.0.1:29212/metrics | has_series netatmo_sensor_temperature_celsius 'account="home"'; }
check "it gets the configuration and its secret, which only root can read: it is scraped" eventually scraped
token=/var/lib/private/exporter/home-token.json
dynamic_user() { local pid; pid=$(property MainPID) && [ "$(inside stat -c %u "/proc/$pid")" -ge 61184 ] && [ "$(inside stat -c %a:%u $token)" = "600:$(inside stat -c %u "/proc/$pid")" ]; }
check "it runs as a dynamic user, and only this user can read the token" dynamic_user
owner=$(inside stat -c %u $token)
root_renews() { inside oauth-exporter refresh home --config /etc/exporter/exporter.yml < /dev/null && [ "$(inside stat -c %a:%u $token)" = "600:$owner" ]; }
check "root can renew the token, and the service stays the owner of the file"
alias() { [ "$(property MainPID exporter)" = "$(property MainPID)" ]; }
check "exporter is an alias of the unit" alias root_renews

# Commands of root beside the service, whose user plants links to a file of root.
as_root() { inside oauth-exporter "$@" --config /etc/exporter/exporter.yml < /dev/null; }
echo '{"access_token":"of-root","refresh_token":"of-root"}' > "$debian/root/victim"
chmod 600 "$debian/root/victim"
victim=$(sha256sum "$debian/root/victim")
plant() { inside ln -sfT /root/victim "$1" && inside chown -h "$owner:$owner" "$1"; }
unharmed() { [ "$(sha256sum "$debian/root/victim")" = "$victim" ] && [ "$(inside stat -c %a:%u:%F /root/victim)" = "600:0:regular file" ]; }
only_service_owns() { ! inside find /var/lib/private/exporter ! -uid "$owner" | grep .; }
commands_of_root() { # state
  as_root status | grep -q active || return 1
  plant $token.lock; as_root refresh home || true
  plant $token.signed-out; as_root refresh home || true
  inside rm -f $token.lock $token.signed-out
  inside mv $token /var/lib/private/exporter/kept; plant $token
  as_root status || true; as_root refresh home || true; as_root logout home --local || true
  inside mv -T /var/lib/private/exporter/kept $token
  unharmed
}
check "no command of root follows a link that the running service planted" commands_of_root
check "root can still renew the token" root_renews
inside systemctl stop oauth-exporter
check "nor one that the stopped service planted" commands_of_root
check "root can renew the token while the service is stopped" root_renews
log_in_again() {
  cp "$debian$token" "$work/kept-token" && as_root logout home --local && ! inside test -e $token &&
  jq -r .refresh_token "$work/kept-token" | inside oauth-exporter login home --token --config /etc/exporter/exporter.yml && inside test -s $token
}
check "root can log out and log in" log_in_again
check "each file in the state directory belongs to the service" only_service_owns
inside systemctl start oauth-exporter
check "the service is scraped with the new login" eventually scraped

now_runs() { pid=$(property MainPID) restarts=$(property NRestarts); }
now_runs
inside systemctl kill --signal=STOP oauth-exporter
restarted() { [ "$(property NRestarts)" -gt "$restarts" ] && [ "$(property MainPID)" != "$pid" ] && is ActiveState active; }
check "the watchdog restarts it if it hangs" eventually restarted
check "it is scraped again" eventually scraped
now_runs
inside systemctl kill --signal=KILL oauth-exporter
check "systemd restarts it after a kill" eventually restarted
pid=$(property MainPID)
requests=$(counted .endpoints.token.requests)

renumbered() { dpkg-deb -R "$debian/exporter.deb" "$work/next" && sed -i 's/^Version: .*/Version: 9.0.0/' "$work/next/DEBIAN/control" && dpkg-deb --root-owner-group -Znone -b "$work/next" "$debian/next.deb"; }
renumbered >/dev/null
check "the package can be upgraded" inside dpkg -i /next.deb
upgraded() { [ "$(property MainPID)" != "$pid" ] && is ActiveState active && is NRestarts 0; }
check "the upgrade restarts it" upgraded
check "with the login kept" eventually scraped
check "without a token request" [ "$(counted .endpoints.token.requests)" = "$requests" ]

inside systemctl stop oauth-exporter
check "it shuts down with success" is Result success
echo "nonsense: true" >> "$debian/etc/exporter/exporter.yml"
inside systemctl reset-failed oauth-exporter
inside systemctl start oauth-exporter 2>/dev/null || true
given_up() { is ActiveState failed && [ "$(property NRestarts)" -le 5 ]; }
check "systemd stops restarting it with an invalid configuration" eventually given_up
check "it sends no request" [ "$(counted .endpoints.token.requests)" = "$requests" ]
reports_problem() { inside journalctl --no-pager -u oauth-exporter | grep 'nonsense'; }
check "the journal contains the problem" reports_problem

# The other unit, on a token file of BMW.
install -d -m 700 "$debian/var/lib/exporter-keep"
echo "BMW_AUTH_URL=$(sandbox Address)" > "$debian/etc/default/exporter-keep"
inside systemctl start oauth-exporter-keep 2>/dev/null || true
stays() { eventually is ActiveState failed oauth-exporter-keep && is ExecMainStatus 1 oauth-exporter-keep && is NRestarts 0 oauth-exporter-keep; }
check "keep without a token file exits, and systemd does not restart it" stays
echo "{\"refresh_token\":\"$(sandbox "BMW refresh token")\",\"client_id\":\"$(sandbox "BMW client id")\"}" > "$debian/var/lib/private/exporter-keep/token.json"
inside systemctl reset-failed oauth-exporter-keep
check "it starts with a token file that root created" inside systemctl start oauth-exporter-keep
kept() { jq -e .access_token "$debian/var/lib/private/exporter-keep/token.json"; }
check "it renews the token" eventually kept
saved() { ! inside journalctl --no-pager -u oauth-exporter-keep | grep 'cannot be saved'; }
check "it saves the token in that file" saved

sed -i '/^nonsense/d' "$debian/etc/exporter/exporter.yml"
inside systemctl reset-failed oauth-exporter
inside systemctl start oauth-exporter
check "the package can be removed" inside dpkg --remove oauth-exporter
gone() { ! inside systemctl is-enabled oauth-exporter oauth-exporter-keep && is ActiveState inactive && is ActiveState inactive oauth-exporter-keep; }
check "this stops and disables both units" gone

# The package named exporter runs, and this one replaces it.
check "the package exporter can be installed" inside dpkg -i --force-confold /old.deb
check "its unit starts" inside systemctl enable --now exporter
check "it is scraped" eventually scraped
requests=$(counted .endpoints.token.requests)
check "apt replaces it" inside apt-get -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold install -y -q /exporter.deb
replaced() { is ActiveState active && inside systemctl is-enabled oauth-exporter && ! is ActiveState active oauth-exporter-keep; }
check "what ran runs again and is enabled, and the other unit is not" replaced
check "with the login kept" eventually scraped
check "without a token request" [ "$(counted .endpoints.token.requests)" = "$requests" ]

check "to purge the package exporter keeps what runs" inside dpkg --purge exporter
check "it is still scraped" eventually scraped
check "a purge" inside dpkg --purge oauth-exporter
nothing_left() { ! inside find /etc /var/lib /usr /run -xdev -name '*exporter*' ! -path '*/systemd/system/exporter.service.d*' -print | grep .; }
check "leaves nothing behind but what was edited" nothing_left

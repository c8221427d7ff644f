#!/usr/bin/env bash
# What is downloaded, made and used: the archive and the .deb, installed, upgraded with the login kept, removed and purged in a bare Debian.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs curl debootstrap dpkg-deb lintian jq openssl
published_program
debian=$work/debian made=artifacts/packages again=$work/again

version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
deb=$made/exporter_${version}_amd64.deb next=$work/next/exporter_9.0.0_amd64.deb
build() { packages/build --published "$published" "$@"; }
rm -rf "$made"
check "one command makes the archive, the .deb and their checksums" build
build --output "$again" >/dev/null
build --output "$work/next" --version 9.0.0 >/dev/null
check "the checksums are right" env -C "$made" sha256sum --check --strict SHA256SUMS
check "the same sources give the same bytes" diff -r "$made" "$again"
check "lintian finds no error" lintian --fail-on error "$deb"

unpacked() { tar -C "$work" -xzf "$made/exporter-$version-linux-x64.tar.gz" && cmp "$published" "$work/exporter-$version-linux-x64/exporter"; }
check "the archive has the program" unpacked

bare_debian "$debian"
mount -t proc proc "$debian/proc"
inside() { chroot "$debian" "$@"; }
install() { cp "$1" "$debian/exporter.deb" && inside env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends --allow-downgrades "${@:2}" /exporter.deb; }
inside apt-get update -q >/dev/null
missing() { ! inside dpkg -s libssl3 && ! inside dpkg -s ca-certificates; }
check "the bare Debian lacks something that the package needs" missing
check "apt installs it with what it depends on" install "$deb"
version_is() { inside exporter --version | grep "^exporter $version "; }
check "the program says its version" version_is
libraries() { ! inside ldd /usr/bin/exporter | grep 'not found'; }
check "no library is missing" libraries
units() { inside test ! -e "/etc/systemd/system/multi-user.target.wants/exporter.service" && inside test -e /usr/lib/systemd/system/exporter.service -a -e /usr/lib/systemd/system/exporter-keep.service; }
check "the units are there, and not enabled" units
root_alone() { [ "$(inside stat -c %a:%u:%g /etc/exporter/exporter.yml)" = 600:0:0 ]; }
check "root alone reads the configuration" root_alone
unconfigured() { ! inside exporter check --config /etc/exporter/exporter.yml > "$work/unconfigured" 2>&1 && grep -F 'lists no accounts; write accounts: into it' "$work/unconfigured"; }
check "exporter check says what to fill in" unconfigured
documents() { inside zgrep -q "exporter ($version)" /usr/share/doc/exporter/changelog.gz && inside zgrep -q YamlDotNet /usr/share/doc/exporter/notices.gz && inside grep -q "MIT License" /usr/share/doc/exporter/copyright; }
check "changelog, licence and the notices of what it is made of are there" documents

# Configured as its own example says, with a login by a refresh token, served over TLS to users with passwords: OpenSSL is needed.
start_sandbox
fill_in "$debian/etc/exporter" 127.0.0.1:29210
echo "web_config_file: web.yml" >> "$debian/etc/exporter/exporter.yml"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$debian/etc/exporter/key.pem" -out "$debian/etc/exporter/cert.pem" 2>/dev/null
password=$(inside exporter hash-password <<< correct-horse)
printf 'tls_server_config: { cert_file: cert.pem, key_file: key.pem }\nbasic_auth_users: { me: "%s" }\n' "$password" > "$debian/etc/exporter/web.yml"
check "exporter check accepts what was filled in" inside exporter check --config /etc/exporter/exporter.yml

# As the unit does it: root's files are handed over in a directory of the service's own.
token=$debian/var/lib/exporter/home-token.json
mkdir -m 700 -p "$debian/var/lib/exporter" "$debian/run/credentials"
echo "{\"refresh_token\":\"$(sandbox "Refresh token")\"}" > "$token"
start() {
  cp "$debian"/etc/exporter/* "$debian/run/credentials"
  chown -R 65534:65534 "$debian/var/lib/exporter" "$debian/run/credentials"
  chroot --userspec=65534:65534 "$debian" exporter --config /run/credentials/exporter.yml >> "$work/log" 2>&1 &
  exporter=$!
}
scraped() { curl -fsS --cacert "$debian/etc/exporter/cert.pem" --connect-to localhost:29210:127.0.0.1:29210 -u me:correct-horse https://localhost:29210/metrics > "$work/page" && has_series netatmo_sensor_temperature_celsius 'account="home"' < "$work/page"; }
stop() { kill $exporter; ended=0; wait $exporter || ended=$?; }
start
check "started as a user without rights, it logs in with the refresh token and is scraped" eventually scraped
check "exporter health says so" inside exporter health --config /etc/exporter/exporter.yml
stop
check "it ends in order" [ $ended = 0 ]
before=$(sha256sum < "$token")

# An upgrade, and back again: the login is the same file, and nothing is asked for twice.
same_login() { [ "$(sha256sum < "$token")" = "$before" ] && [ "$(counted .endpoints.token.requests)" = 1 ]; }
same_configuration() { inside grep -q home-secret.txt /etc/exporter/exporter.yml; }
installed() { [ "$(inside dpkg-query -f '${Version} ${Status}' -W exporter)" = "$1 install ok installed" ]; }
for to in 9.0.0 "$version"; do
  from=$next; [ "$to" = 9.0.0 ] || from=$deb
  check "the package of version $to takes its place" install "$from"
  check "$to is installed" installed "$to"
  check "the configuration is as it was filled in" same_configuration
  start
  check "$to is scraped" eventually scraped
  check "the login was kept: the token file is the same, and no token was asked for" same_login
  stop
done
check "a renewal takes the next refresh token" inside exporter refresh home --config /run/credentials/exporter.yml
rotated() { [ "$(counted .tokens.rotations)" = 2 ] && [ "$(counted .tokens.reused_refresh_tokens)" = 0 ]; }
check "no refresh token was used twice through all of it" rotated

check "it can be removed" inside dpkg --remove exporter
kept() { inside test ! -e /usr/bin/exporter && same_configuration && test -s "$token"; }
check "configuration and tokens outlive that" kept
check "it can be purged" inside dpkg --purge exporter
nothing_left() { ! inside find / -xdev '(' -path /proc -o -path /run -o -path /exporter.deb ')' -prune -o -name 'exporter*' -print | grep .; }
check "and leaves nothing behind" nothing_left

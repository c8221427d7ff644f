#!/usr/bin/env bash
# Builds the archive and the .deb. Installs the .deb in a minimal Debian, upgrades it with the login kept, removes and purges it.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs curl debootstrap dpkg-deb lintian jq openssl
published_program
debian=$work/debian made=artifacts/packages again=$work/again

deb=$made/oauth-exporter_${version}_amd64.deb next=$work/next/oauth-exporter_9.0.0_amd64.deb old=$work/exporter_0.1.0_amd64.deb
build() { packages/build --published "$published" "$@"; }
rm -rf "$made"
check "one command builds the archive, the .deb and their checksums" build
build --output "$again" >/dev/null
build --output "$work/next" --version 9.0.0 >/dev/null
old_package "$old"
check "the checksums are right" env -C "$made" sha256sum --check --strict SHA256SUMS
check "the same sources give the same bytes" diff -r "$made" "$again"
check "lintian finds no error" lintian --fail-on error "$deb"

unpacked() { tar -C "$work" -xzf "$made/oauth-exporter-$version-linux-x64.tar.gz" && cmp "$published" "$work/oauth-exporter-$version-linux-x64/exporter"; }
check "the archive contains the program, under its old name too" unpacked

bare_debian "$debian"
mount -t proc proc "$debian/proc"
inside() { chroot "$debian" "$@"; }
install() { cp "$1" "$debian/exporter.deb" && inside env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confold "${@:2}" /exporter.deb; }
inside apt-get update -q >/dev/null
missing() { ! inside dpkg -s libssl3 && ! inside dpkg -s ca-certificates; }
check "the minimal Debian lacks dependencies of the package" missing
check "apt installs it with its dependencies" install "$deb"
version_is() { inside oauth-exporter --version | grep "^oauth-exporter $version " && inside exporter --version | grep "^oauth-exporter $version "; }
check "the program prints its version, under its old name too" version_is
libraries() { ! inside ldd /usr/bin/oauth-exporter | grep 'not found'; }
check "no library is missing" libraries
completions() { inside bash -c 'source /usr/share/bash-completion/completions/oauth-exporter; COMP_LINE="oauth-exporter logo" COMP_POINT=19; _oauth_exporter oauth-exporter logo; [ "${COMPREPLY[*]}" = logout ]' && inside test -s /usr/share/zsh/vendor-completions/_oauth-exporter -a -s /usr/share/fish/vendor_completions.d/oauth-exporter.fish; }
check "bash completes its commands, and the scripts for zsh and fish are installed" completions
units() { inside test -e /usr/lib/systemd/system/oauth-exporter.service -a -e /usr/lib/systemd/system/oauth-exporter-keep.service && ! inside find /etc/systemd -name '*exporter*' | grep .; }
check "the units are installed and not enabled" units
root_alone() { [ "$(inside stat -c %a:%u:%g /etc/exporter/exporter.yml)" = 600:0:0 ]; }
check "only root can read the configuration" root_alone
unconfigured() { ! inside oauth-exporter check --config /etc/exporter/exporter.yml > "$work/unconfigured" 2>&1 && grep -F 'lists no accounts; write accounts: into it' "$work/unconfigured"; }
check "oauth-exporter check prints what to fill in" unconfigured
documents() { inside zgrep -q "^oauth-exporter ($version)" /usr/share/doc/oauth-exporter/changelog.gz && inside zgrep -q YamlDotNet /usr/share/doc/oauth-exporter/notices.gz && inside grep -q "MIT License" /usr/share/doc/oauth-exporter/copyright; }
check "it contains the changelog, the licence and the notices of its libraries" documents

# The example configuration with an account, a login by a refresh token, TLS and a password.
start_sandbox
fill_in "$debian/etc/exporter" 127.0.0.1:29210
echo "web_config_file: web.yml" >> "$debian/etc/exporter/exporter.yml"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$debian/etc/exporter/key.pem" -out "$debian/etc/exporter/cert.pem" 2>/dev/null
password=$(inside oauth-exporter hash-password <<< correct-horse)
printf 'tls_server_config: { cert_file: cert.pem, key_file: key.pem }\nbasic_auth_users: { me: "%s" }\n' "$password" > "$debian/etc/exporter/web.yml"
check "oauth-exporter check accepts the configuration" inside oauth-exporter check --config /etc/exporter/exporter.yml

# Like the unit, it copies root's files to a directory that the service can read.
token=$debian/var/lib/exporter/home-token.json
mkdir -m 700 -p "$debian/var/lib/exporter" "$debian/run/credentials"
echo "{\"refresh_token\":\"$(sandbox "Refresh token")\"}" > "$token"
start() {
  cp "$debian"/etc/exporter/* "$debian/run/credentials"
  chown -R 65534:65534 "$debian/var/lib/exporter" "$debian/run/credentials"
  chroot --userspec=65534:65534 "$debian" "${program:-oauth-exporter}" --config /run/credentials/exporter.yml >> "$work/log" 2>&1 &
  exporter=$!
}
scraped() { curl -fsS --cacert "$debian/etc/exporter/cert.pem" --connect-to localhost:29210:127.0.0.1:29210 -u me:correct-horse https://localhost:29210/metrics > "$work/page" && has_series netatmo_sensor_temperature_celsius 'account="home"' < "$work/page"; }
start
check "as an unprivileged user it logs in with the refresh token and is scraped" eventually scraped
check "the health check succeeds" inside oauth-exporter health --config /etc/exporter/exporter.yml
stop
check "SIGTERM shuts it down with 0" [ $ended = 0 ]
before=$(sha256sum < "$token")

# An upgrade and a downgrade keep the login, without another token request.
same_login() { [ "$(sha256sum < "$token")" = "$before" ] && [ "$(counted .endpoints.token.requests)" = 1 ]; }
same_configuration() { inside grep -q home-secret.txt /etc/exporter/exporter.yml; }
installed() { [ "$(inside dpkg-query -f '${Version} ${Status}' -W "${2:-oauth-exporter}")" = "$1 install ok installed" ]; }
for to in 9.0.0 "$version"; do
  from=$next; [ "$to" = 9.0.0 ] || from=$deb
  check "the package of version $to replaces it" install "$from"
  check "$to is installed" installed "$to"
  check "the configuration is unchanged" same_configuration
  start
  check "$to is scraped" eventually scraped
  check "the login is kept: the token file is the same, without a token request" same_login
  stop
done
check "a renewal uses the next refresh token" inside oauth-exporter refresh home --config /run/credentials/exporter.yml
rotated() { [ "$(counted .tokens.rotations)" = 2 ] && [ "$(counted .tokens.reused_refresh_tokens)" = 0 ]; }
check "no refresh token was used twice" rotated


# From the package named exporter, and back to it.
before=$(sha256sum < "$token") requests=$(counted .endpoints.token.requests)
same_login() { [ "$(sha256sum < "$token")" = "$before" ] && [ "$(counted .endpoints.token.requests)" = "$requests" ]; }
no_old_package() { [ "$(inside dpkg-query -f '${db:Status-Status}' -W exporter)" != installed ]; }
for name in exporter oauth-exporter exporter oauth-exporter; do
  from=$deb program=oauth-exporter
  [ $name = oauth-exporter ] || from=$old program=exporter
  check "apt replaces the installed package by $name" install "$from"
  check "$name is installed" installed "$(dpkg-deb -f "$from" Version)" $name
  check "the configuration is unchanged" same_configuration
  start
  check "the program of $name is scraped" eventually scraped
  check "with the login kept" same_login
  stop
done
check "the package exporter is not installed beside it" no_old_package
purge_old() { inside dpkg --purge exporter && same_configuration && same_login; }
check "to purge it keeps configuration and login" purge_old

check "it can be removed" inside dpkg --remove oauth-exporter
kept() { inside test ! -e /usr/bin/oauth-exporter -a ! -e /usr/bin/exporter && same_configuration && test -s "$token"; }
check "this keeps configuration and tokens" kept
check "it can be purged" inside dpkg --purge oauth-exporter
nothing_left() { ! inside find / -xdev '(' -path /proc -o -path /run -o -path /exporter.deb ')' -prune -o -name '*exporter*' -print | grep .; }
check "this leaves nothing behind" nothing_left

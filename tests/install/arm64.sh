#!/usr/bin/env bash
# Builds the packages for 64-bit Arm on this x86-64 machine, and runs the program of that architecture under qemu: installed by apt in a
# minimal Debian of that architecture, and in the tests of the program. With PUBLISHED_ARM64=FILE, the program exists already.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs aarch64-linux-gnu-gcc clang curl debootstrap jq openssl qemu-aarch64-static
[ "$(uname -m)" = x86_64 ] || { echo "arm64.sh emulates another architecture: run it on x86-64" >&2; exit 1; }
built_tests
debian=$work/debian made=$work/packages

# The kernel starts programs of that architecture with qemu, until this script ends.
handler=/proc/sys/fs/binfmt_misc/oauth-exporter-arm64
emulate() {
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  grep -qs '^magic 7f454c460201010000000000000000000200b700$' /proc/sys/fs/binfmt_misc/* ||
    printf '%s' ':oauth-exporter-arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$(command -v qemu-aarch64-static):F" > /proc/sys/fs/binfmt_misc/register
}
clean_up() { [ ! -e $handler ] || echo -1 > $handler; }
emulate

build() { packages/build --arch arm64 ${PUBLISHED_ARM64:+--published "$PUBLISHED_ARM64"} --output "$made"; }
check "one command on x86-64 builds the archive and the .deb for 64-bit Arm" build
tar -C "$work" -xzf "$made/oauth-exporter-$version-linux-arm64.tar.gz"
published=$work/oauth-exporter-$version-linux-arm64/oauth-exporter
check "the program has $(megabytes "$published"), at most 26 MB" small "$published" 26000000
native() { file -b "$published" | grep '^ELF 64-bit LSB pie executable, ARM aarch64'; }
check "it is a program for 64-bit Arm" native

bare_debian "$debian" arm64
mount -t proc proc "$debian/proc"
inside() { chroot "$debian" "$@"; }
install() { cp "$made/oauth-exporter_${version}_arm64.deb" "$debian/exporter.deb" && inside env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends /exporter.deb; }
inside apt-get update -q >/dev/null
check "apt installs it with its dependencies in a Debian of that architecture" install
version_is() { inside oauth-exporter --version | grep "^oauth-exporter $version "; }
check "it prints its version" version_is
unconfigured() { ! inside oauth-exporter check --config /etc/exporter/exporter.yml > "$work/unconfigured" 2>&1 && grep -F 'lists no accounts; write accounts: into it' "$work/unconfigured"; }
check "oauth-exporter check prints what to fill in" unconfigured

# The example configuration with an account, and a login by a refresh token.
start_sandbox
fill_in "$debian/etc/exporter" 127.0.0.1:29219
check "oauth-exporter check accepts the configuration" inside oauth-exporter check --config /etc/exporter/exporter.yml
mkdir -m 700 -p "$debian/var/lib/exporter"
echo "{\"refresh_token\":\"$(sandbox "Refresh token")\"}" > "$debian/var/lib/exporter/home-token.json"
start() { chroot "$debian" oauth-exporter --config /etc/exporter/exporter.yml >> "$work/log" 2>&1 & exporter=$!; }
scraped() { curl -fsS http://127.0.0.1:29219/metrics | has_series netatmo_sensor_temperature_celsius 'account="home"'; }
start
check "the installed program logs in with a refresh token and is scraped" eventually scraped
check "its health check succeeds" inside oauth-exporter health --config /etc/exporter/exporter.yml
kill -9 $exporter && wait $exporter || true
start
check "after a kill it is scraped" eventually scraped
check "the login is kept, without another token request" [ "$(counted .endpoints.token.requests)" = 1 ]
stop
check "SIGTERM shuts it down with 0" [ $ended = 0 ]

# The tests start the program with the libraries of the minimal Debian, and with the files of this machine.
libraries=$debian/usr/lib/aarch64-linux-gnu
printf '#!/bin/sh\nexec qemu-aarch64-static %s --library-path %s %s "$@"\n' "$libraries/ld-linux-aarch64.so.1" "$libraries" "$published" > "$work/oauth-exporter"
chmod +x "$work/oauth-exporter"
check "it passes the tests of the program: logins, HTTPS, client certificates, the car's stream, kills" passes arm64 "$work/oauth-exporter"

#!/usr/bin/env bash
# The image, built from the Dockerfile by buildah on bases made here, and run as its user, with a read-only root, on a volume as netatmo-exporter's
# image leaves it.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs buildah curl debootstrap jq
published_program
address=127.0.0.1:29211
b() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

# The base of the build stage: a Debian with .NET and what it needs. The SDK and its packages are this machine's own, so that restoring is the same.
sdk=$(b mount "$(b from --name sdk scratch)")
bare_debian "$sdk"
quietly chroot "$sdk" sh -c 'apt-get update -q && apt-get -o APT::Sandbox::User=root install -y -q --no-install-recommends ca-certificates libssl3'
cp -L /etc/ssl/certs/ca-certificates.crt "$sdk/etc/ssl/certs/ca-certificates.crt"
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
ln -s /usr/share/dotnet/dotnet "$sdk/usr/bin/dotnet"
mkdir -p "$sdk/root/.nuget/NuGet"
cp ~/.nuget/NuGet/NuGet.Config "$sdk/root/.nuget/NuGet/" 2>/dev/null || true

# The base of the image, as small as Microsoft's chiseled one: C library, GCC's, OpenSSL, certificates, and no program at all.
base=$(b mount "$(b from --name base scratch)")
mkdir -p "$base"/{etc/ssl/certs,usr/lib64,usr/lib,proc,dev,sys} && mkdir -m 1777 "$base/tmp"
ln -s usr/lib "$base/lib" && ln -s usr/lib64 "$base/lib64"
(cd "$sdk" && cp -P --parents -t "$base" usr/lib64/ld-linux-* usr/lib/*-linux-gnu/{ld-linux-*,libc.so.6,libm.so.6,libdl.so.2,librt.so.1,libpthread.so.0,libgcc_s.so.1,libstdc++.so.6*,libssl.so.3,libcrypto.so.3} etc/os-release usr/lib/os-release etc/nsswitch.conf)
cp -L "$sdk/etc/ssl/certs/ca-certificates.crt" "$base/etc/ssl/certs/"

b config -e DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 -e DOTNET_NOLOGO=1 -e NUGET_CERT_REVOCATION_MODE=offline sdk
b config -e SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt base
b commit -q --rm sdk mcr.microsoft.com/dotnet/sdk:10.0 >/dev/null
b commit -q --rm base mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled >/dev/null

check "the Dockerfile builds" b bud --isolation chroot --pull-never --format docker --volume "$dotnet:/usr/share/dotnet:ro" --volume "$packages:/root/.nuget/packages" -t exporter .

b inspect --type image exporter | jq .Docker.config > "$work/config"
says() { [ "$(jq -c "$1" "$work/config")" = "$2" ] || { jq . "$work/config"; return 1; }; }
check "it runs as 65534, the user of the image it takes the place of" says .User '"65534:65534"'
check "it starts the exporter" says .Entrypoint '["/usr/bin/exporter"]'
check "it says its port" says '.ExposedPorts | keys' '["9210/tcp"]'
check "it has a volume for tokens" says '.Volumes | keys' '["/var/lib/exporter"]'
check "it is asked by the program itself whether it is well" says .Healthcheck.Test '["CMD","/usr/bin/exporter","health"]'

root=$(b mount "$(b from --pull-never exporter)")
programs() { [ "$(find "$root" -xdev -type f -perm /111 ! -name '*.so*' -printf '/%P\n')" = /usr/bin/exporter ]; }
check "there is no shell in it, nor any other program" programs
clean() { ! find "$root" -xdev '(' -path '*/source*' -o -name '*.pdb' -o -name '*.cs' -o -name '*.json' ')' | grep .; }
check "nothing of the build was left in it" clean

licences() { grep -q "MIT License" "$root/usr/share/doc/exporter/LICENSE" && grep -q YamlDotNet "$root/usr/share/doc/exporter/notices"; }
check "its licence is in it, and the notices of what it is made of" licences

# The size: the image's own layer is the last.
b push -q exporter "oci:$work/oci" >/dev/null
manifest=$work/oci/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/oci/index.json" | cut -d : -f 2)
megabytes() { numfmt --to=si --format=%.1f "$1"; }
layer=$(jq '.layers[-1].size' "$manifest") all=$(jq '[.layers[].size] | add' "$manifest")
own=$(zcat "$work/oci/blobs/sha256/$(jq -r '.layers[-1].digest' "$manifest" | cut -d : -f 2)" | wc -c)
check "the exporter adds $(megabytes "$own") bytes to its base, $(megabytes "$layer") compressed; with the base made here $(megabytes "$(du -sb "$root" | cut -f 1)"), $(megabytes "$all") compressed" [ "$layer" -lt 25000000 ]

# As `docker run --read-only` has it: root read-only, volumes writable, no right of root's.
run=$work/container former=$work/former volume=$work/volume
mkdir "$run"
cp -a "$root/var/lib/netatmo-exporter" "$former"
cp -a "$root/var/lib/exporter" "$volume"
mount --bind "$root" "$run"
mount -o remount,bind,ro "$run"
mount -t proc proc "$run/proc"
mount --bind /dev "$run/dev"
mount --bind "$volume" "$run/var/lib/exporter"
mount --bind "$former" "$run/var/lib/netatmo-exporter"
mapfile -t environment < <(jq -r '.Env[]' "$work/config")
container() { # command…; in place of the shell that runs this
  exec env -i "${environment[@]}" NETATMO_EXPORTER_ADDR=$address "NETATMO_CLIENT_ID=$(sandbox "Client id")" "NETATMO_CLIENT_SECRET=$(sandbox "Client secret")" "NETATMO_API_URL=$(sandbox Address)" \
    setpriv --clear-groups --no-new-privs \
    unshare --root="$run" --wd="$(jq -r .WorkingDir "$work/config")" --setgid=65534 --setuid=65534 "$@"
}
start() { (container /usr/bin/exporter) >> "$work/log" 2>&1 & exporter=$!; }
stop() { kill $exporter; ended=0; wait $exporter || ended=$?; }
health() { (container /usr/bin/exporter health); }
page() { curl -fsS "http://$address$1"; }

# The volume after a night with the old image switched off: its token file, whose access token has ended.
start_sandbox
token=$former/netatmo-token.json
echo "{\"access_token\":\"60a1f2b3c4d5e6f708192a3b|ended\",\"refresh_token\":\"$(sandbox "Refresh token")\",\"expiry\":\"2026-01-02T05:14:11.081821762Z\",\"expires_in\":10800}" > "$token"
chown 65534:65534 "$token" && chmod 600 "$token"
start
scraped() { page /metrics | grep '^netatmo_sensor_temperature_celsius{home='; }
check "on netatmo-exporter's volume it is logged in, and the series are those of netatmo-exporter" eventually scraped
check "that took one token request" [ "$(counted .endpoints.token.requests)" = 1 ]
same_place() { [ "$(stat -c %a:%u:%g "$token")" = 600:65534:65534 ] && jq -e '.access_token != "60a1f2b3c4d5e6f708192a3b|ended" and .refresh_token != "'"$(sandbox "Refresh token")"'"' "$token"; }
check "the new token is where the old one was, and its user's alone" same_place
check "exporter health says that it is well" health
read_only() { ! touch "$run/usr/bin/new" 2>&1 && grep -q '^CapEff:.*0000000000000000$' "/proc/$exporter/status" && grep -q '^Uid:.65534' "/proc/$exporter/status"; }
check "its root is read-only, and it has no rights" read_only
stop
check "told to end, it does so in order" [ $ended = 0 ]
check "exporter health says that it is not there" eval '! health'
start
check "started again, it is scraped" eventually scraped
check "and takes the token as it is" [ "$(counted .endpoints.token.requests)" = 1 ]
stop

# A new installation has an empty volume.
umount "$run/var/lib/netatmo-exporter"
start
empty() { page /metrics | grep '^exporter_token_state{.*="missing".* 1$'; }
check "with empty volumes it starts, and says that a login is needed" eventually empty
login() { curl -fsS -X POST -H 'Content-Type: application/json' -d '{}' "$(sandbox Address)/sandbox/tokens?provider=netatmo" | jq -r .refresh_token | (container /usr/bin/exporter login --token); }
check "a login beside it" login
check "is kept in the volume" [ -s "$volume/netatmo-token.json" ]
stop
start
check "and used from there" eventually scraped
stop

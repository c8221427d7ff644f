#!/usr/bin/env bash
# Builds the images of both architectures from the Dockerfile with buildah, on base images made here. Runs that of this machine as its user
# with a read-only root, on a volume of netatmo-exporter's image, on a volume of the image's previous version, and on new volumes.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs buildah curl debootstrap jq qemu-aarch64-static skopeo
published_program
address=127.0.0.1:29211
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/store" "$work/run" > "$work/storage.conf"
export CONTAINERS_STORAGE_CONF=$work/storage.conf

# The base of the build stage: a minimal Debian with this machine's SDK and packages mounted, so that the restore is the same.
sdk=$(buildah mount "$(buildah from --name sdk scratch)")
bare_debian "$sdk"
echo 'APT::Sandbox::User "root";' > "$sdk/etc/apt/apt.conf.d/80root"
quietly chroot "$sdk" sh -c 'dpkg --add-architecture arm64 && apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates libssl3 clang zlib1g-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
cp -L /etc/ssl/certs/ca-certificates.crt "$sdk/etc/ssl/certs/ca-certificates.crt"
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
ln -s /usr/share/dotnet/dotnet "$sdk/usr/bin/dotnet"
mkdir -p "$sdk/root/.nuget/NuGet"
cp ~/.nuget/NuGet/NuGet.Config "$sdk/root/.nuget/NuGet/" 2>/dev/null || true

# The base of each image, like Microsoft's chiseled one: the C library, OpenSSL and certificates, without a program.
for arch in amd64 arm64; do
  base=$(buildah mount "$(buildah from --name "base-$arch" scratch)")
  mkdir -p "$base"/{etc/ssl/certs,usr/lib64,usr/lib,proc,dev,sys} "$sdk/libraries-$arch" && mkdir -m 1777 "$base/tmp"
  ln -s usr/lib "$base/lib" && ln -s usr/lib64 "$base/lib64"
  quietly chroot "$sdk" sh -c "cd /libraries-$arch && apt-get download -q libc6:$arch libgcc-s1:$arch libssl3:$arch && for file in *.deb; do dpkg-deb -x \$file root; done"
  (cd "$sdk/libraries-$arch/root" && cp -RP lib/. "$base/usr/lib" && { [ ! -d lib64 ] || cp -RP lib64/. "$base/usr/lib64"; } && cp -RP usr/lib/. "$base/usr/lib")
  rm -r "$sdk/libraries-$arch"
  cp "$sdk/etc/nsswitch.conf" "$base/etc/"
  cp -L "$sdk/etc/ssl/certs/ca-certificates.crt" "$base/etc/ssl/certs/"
  buildah config --arch $arch -e SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "base-$arch"
  buildah commit -q --rm "base-$arch" "localhost/base-$arch" >/dev/null
done
buildah config -e DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 -e DOTNET_NOLOGO=1 -e NUGET_CERT_REVOCATION_MODE=offline sdk
buildah commit -q --rm sdk localhost/sdk >/dev/null

# docker build -t oauth-exporter .
images() { packages/image --arch all --sdk localhost/sdk --base localhost/base-ARCH --output "$work/images" -- --isolation chroot --pull-never --volume "$dotnet:/usr/share/dotnet:ro" --volume "$packages:/root/.nuget/packages"; }
check "one command builds the images of both architectures from the Dockerfile" images
mkdir "$work/both" && tar -C "$work/both" -xf "$work/images/oauth-exporter-$version.oci.tar"
both() { local index; index=$(jq -r '.manifests[0].digest' "$work/both/index.json" | cut -d : -f 2); [ "$(jq -r '.manifests[].platform.architecture' "$work/both/blobs/sha256/$index" | sort | xargs)" = "amd64 arm64" ]; }
check "one archive contains the images of both architectures" both
buildah tag "localhost/oauth-exporter:$version-amd64" oauth-exporter

buildah inspect --type image oauth-exporter | jq .Docker.config > "$work/config"
config_is() { [ "$(jq -c "$1" "$work/config")" = "$2" ] || { jq . "$work/config"; return 1; }; }
check "it runs as 65534, the user of netatmo-exporter's image" config_is .User '"65534:65534"'
check "its entrypoint is the program" config_is .Entrypoint '["/usr/bin/oauth-exporter"]'
check "it exposes its port" config_is '.ExposedPorts | keys' '["9210/tcp"]'
labels() { [ "$(jq -r '.Labels["org.opencontainers.image.version"]' "$work/config")" = "$version" ] && [ "$(jq -r '.Labels["org.opencontainers.image.revision"]' "$work/config")" = "$(git rev-parse HEAD)" ]; }
check "its labels contain the version and the commit" labels
check "it has a volume for tokens" config_is '.Volumes | keys' '["/var/lib/exporter"]'
check "its health check is the program itself" config_is .Healthcheck.Test '["CMD","/usr/bin/oauth-exporter","health"]'

root=$(buildah mount "$(buildah from --pull-never oauth-exporter)")
programs() { [ "$(find "$root" -xdev -type f -perm /111 ! -name '*.so*' -printf '/%P\n')" = /usr/bin/oauth-exporter ]; }
check "it contains no shell or other program" programs
old_name() { [ "$(readlink "$root/usr/bin/exporter")" = oauth-exporter ]; }
check "exporter is a link to the program" old_name
clean() { ! find "$root" -xdev '(' -path '*/source*' -o -name '*.pdb' -o -name '*.cs' -o -name '*.json' ')' | grep .; }
check "it contains no files of the build" clean

licences() { grep -q "MIT License" "$root/usr/share/doc/oauth-exporter/LICENSE" && grep -q YamlDotNet "$root/usr/share/doc/oauth-exporter/notices"; }
check "it contains its licence and the notices of its libraries" licences

# The last layer is the image's own.
buildah push -q oauth-exporter "oci:$work/oci" >/dev/null
manifest=$work/oci/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/oci/index.json" | cut -d : -f 2)
in_megabytes() { numfmt --to=si --format=%.1f "$1"; }
layer=$(jq '.layers[-1].size' "$manifest") all=$(jq '[.layers[].size] | add' "$manifest")
own=$(zcat "$work/oci/blobs/sha256/$(jq -r '.layers[-1].digest' "$manifest" | cut -d : -f 2)" | wc -c)
size=$(du -sb "$root" | cut -f 1)
check "it adds $(in_megabytes "$own") bytes to its base, $(in_megabytes "$layer") compressed; with the base made here it has $(in_megabytes "$size"), $(in_megabytes "$all") compressed, at most 60 MB" [ "$size" -le 60000000 ]
other=$(buildah mount "$(buildah from --pull-never "localhost/oauth-exporter:$version-arm64")")
starts() { qemu-aarch64-static -L "$other" "$other/usr/bin/oauth-exporter" --version | grep -F "oauth-exporter $version ($(git rev-parse HEAD))"; }
check "the program of the image for 64-bit Arm starts" starts

# Like `docker run --read-only`: a read-only root, writable volumes, and no capabilities.
program=oauth-exporter run=$work/container former=$work/former volume=$work/volume
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
container() { # command…; replaces the current shell
  exec env -i "${environment[@]}" NETATMO_EXPORTER_ADDR=$address "NETATMO_CLIENT_ID=$(sandbox "Client id")" "NETATMO_CLIENT_SECRET=$(sandbox "Client secret")" "NETATMO_API_URL=$(sandbox Address)" \
    setpriv --clear-groups --no-new-privs \
    unshare --root="$run" --wd="$(jq -r .WorkingDir "$work/config")" --setgid=65534 --setuid=65534 "$@"
}
start() { # arguments…
  (container "/usr/bin/$program" "$@") >> "$work/log" 2>&1 & exporter=$!
}
health() { (container "/usr/bin/$program" health); }
page() { curl -fsS "http://$address$1"; }

# The volume of netatmo-exporter's image, with an expired access token.
start_sandbox
token=$former/netatmo-token.json
echo "{\"access_token\":\"60a1f2b3c4d5e6f708192a3b|expired\",\"refresh_token\":\"$(sandbox "Refresh token")\",\"expiry\":\"2026-01-02T05:14:11.081821762Z\",\"expires_in\":10800}" > "$token"
chown 65534:65534 "$token" && chmod 600 "$token"
start
scraped() { page /metrics | grep '^netatmo_sensor_temperature_celsius{home='; }
check "on netatmo-exporter's volume it is logged in and serves netatmo-exporter's series" eventually scraped
check "it sent one token request" [ "$(counted .endpoints.token.requests)" = 1 ]
same_place() { [ "$(stat -c %a:%u:%g "$token")" = 600:65534:65534 ] && jq -e '.access_token != "60a1f2b3c4d5e6f708192a3b|expired" and .refresh_token != "'"$(sandbox "Refresh token")"'"' "$token"; }
check "the new token is in the same file, which only its user can read" same_place
check "the health check succeeds" health
read_only() { ! touch "$run/usr/bin/new" 2>&1 && grep -q '^CapEff:.*0000000000000000$' "/proc/$exporter/status" && grep -q '^Uid:.65534' "/proc/$exporter/status"; }
check "its root is read-only, and it has no capabilities" read_only
stop
check "SIGTERM shuts it down with 0" [ $ended = 0 ]
check "the health check fails without it" eval '! health'
start
check "after a restart it is scraped" eventually scraped
check "without another token request" [ "$(counted .endpoints.token.requests)" = 1 ]
stop

# New volumes.
umount "$run/var/lib/netatmo-exporter"
start
empty() { page /metrics | grep '^exporter_token_state{.*="missing".* 1$'; }
check "with new volumes it starts and needs a login" eventually empty
login() { refresh_token | (container /usr/bin/oauth-exporter login --token); }
check "you can log in with a command" login
check "the volume contains the token" [ -s "$volume/netatmo-token.json" ]
stop

# The previous image has the same volume and names the program exporter. OLD=FILE is its program; by default, the link is used.
[ -z "${OLD:-}" ] || { rm "$root/usr/bin/exporter" && install "$OLD" "$root/usr/bin/exporter"; }
access() { stat -c %a:%u:%g "$volume/netatmo-token.json"; }
for program in oauth-exporter exporter oauth-exporter; do
  requests=$(counted .endpoints.token.requests) owner=$(access)
  start
  check "$program uses the login of the volume" eventually scraped
  stop
  unchanged() { [ "$(counted .endpoints.token.requests)" = "$requests" ] && [ "$(access)" = "$owner" ]; }
  check "without a token request, and with the same mode and owner of the file" unchanged
done

# docker run … --token-file /var/lib/exporter/netatmo-token.json
start --token-file /var/lib/exporter/netatmo-token.json
check "with the token file as an argument it is scraped" eventually scraped
stop

# docker run -v "$PWD/netatmo-token.json:/var/lib/exporter/netatmo-token.json" … with only a refresh token in the file
mounted=$work/netatmo-token.json
echo "{\"refresh_token\":\"$(refresh_token)\"}" > "$mounted"
chown 65534:65534 "$mounted" && chmod 600 "$mounted"
mount --bind "$mounted" "$run/var/lib/exporter/netatmo-token.json"
start --token-file /var/lib/exporter/netatmo-token.json
check "with a bind-mounted file that contains only a refresh token it is scraped" eventually scraped
saved() { jq -e .access_token "$mounted"; }
check "and saves the new token in that file" saved
stop
umount "$run/var/lib/exporter/netatmo-token.json"

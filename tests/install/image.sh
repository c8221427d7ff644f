#!/usr/bin/env bash
# Builds the images of both architectures from the Dockerfile with buildah, on base images made here. Runs that of this machine as its user
# with a read-only root, on a volume of netatmo-exporter's image, on a volume of the image's previous version, and on new volumes. Then it builds
# and runs the image of the program for several machines, with the program that is published already; FULL=1 publishes it in the build stage.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs buildah curl debootstrap jq openssl qemu-aarch64-static skopeo "$postgres_programs/initdb"
published_program
published_cluster
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
images() { packages/image "$@" --base localhost/base-ARCH --output "$work/images" -- --isolation chroot --pull-never --volume "$dotnet:/usr/share/dotnet:ro" --volume "$packages:/root/.nuget/packages"; }
check "one command builds the images of both architectures from the Dockerfile" images --program exporter --arch all --sdk localhost/sdk
mkdir "$work/both" && tar -C "$work/both" -xf "$work/images/oauth-exporter-$version.oci.tar"
both() { local index; index=$(jq -r '.manifests[0].digest' "$work/both/index.json" | cut -d : -f 2); [ "$(jq -r '.manifests[].platform.architecture' "$work/both/blobs/sha256/$index" | sort | xargs)" = "amd64 arm64" ]; }
check "one archive contains the images of both architectures" both
buildah tag "localhost/oauth-exporter:$version-amd64" oauth-exporter

inspect() { buildah inspect --type image "$1" | jq .Docker.config > "$work/config"; }
inspect oauth-exporter
config_is() { [ "$(jq -c "$1" "$work/config")" = "$2" ] || { jq . "$work/config"; return 1; }; }
check "it runs as 65534, the user of netatmo-exporter's image" config_is .User '"65534:65534"'
check "its entrypoint is the program" config_is .Entrypoint '["/usr/bin/oauth-exporter"]'
check "it exposes its port" config_is '.ExposedPorts | keys' '["9210/tcp"]'
labels() { [ "$(jq -r '.Labels["org.opencontainers.image.version"]' "$work/config")" = "$version" ] && [ "$(jq -r '.Labels["org.opencontainers.image.revision"]' "$work/config")" = "$(git rev-parse HEAD)" ]; }
check "its labels contain the version and the commit" labels
check "it has a volume for tokens" config_is '.Volumes | keys' '["/var/lib/exporter"]'
check "its health check is the program itself" config_is .Healthcheck.Test '["CMD","/usr/bin/oauth-exporter","health"]'

root=$(buildah mount "$(buildah from --pull-never oauth-exporter)")
only() { [ "$(find "$root" -xdev -type f -perm /111 ! -name '*.so*' -printf '/%P\n')" = "$1" ]; }
check "it contains no shell or other program" only /usr/bin/oauth-exporter
old_name() { [ "$(readlink "$root/usr/bin/exporter")" = oauth-exporter ]; }
check "exporter is a link to the program" old_name
clean() { ! find "$root" -xdev '(' -path '*/source*' -o -name '*.pdb' -o -name '*.cs' -o -name '*.json' ')' | grep .; }
check "it contains no files of the build" clean

licences() { grep -q "MIT License" "$root/usr/share/doc/oauth-exporter/LICENSE" && grep -q "$1" "$root/usr/share/doc/oauth-exporter/notices"; }
check "it contains its licence and the notices of its libraries" licences YamlDotNet

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
contain() {
  mkdir "$run"
  mount --bind "$root" "$run"
  mount -o remount,bind,ro "$run"
  mount -t proc proc "$run/proc"
  mount --bind /dev "$run/dev"
  mount --bind "$volume" "$run/var/lib/exporter"
  mapfile -t environment < <(jq -r '.Env[]' "$work/config")
}
cp -a "$root/var/lib/netatmo-exporter" "$former"
cp -a "$root/var/lib/exporter" "$volume"
contain
mount --bind "$former" "$run/var/lib/netatmo-exporter"
# Container engines set HOME, which is / for a user without an entry in /etc/passwd.
container() { # command…; replaces the current shell
  exec env -i HOME=/ "${environment[@]}" NETATMO_EXPORTER_ADDR=$address "${settings[@]}" setpriv --clear-groups --no-new-privs \
    unshare --root="$run" --wd="$(jq -r .WorkingDir "$work/config")" --setgid=65534 --setuid=65534 "$@"
}
start() { # arguments…
  (container "/usr/bin/$program" "$@") >> "$work/log" 2>&1 & exporter=$!
}
health() { (container "/usr/bin/$program" health); }
page() { curl -fsS "http://$address$1"; }

# The volume of netatmo-exporter's image, with an expired access token.
start_sandbox
settings=("NETATMO_CLIENT_ID=$(sandbox "Client id")" "NETATMO_CLIENT_SECRET=$(sandbox "Client secret")" "NETATMO_API_URL=$(sandbox Address)")
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

# docker build --build-arg PROGRAM=cluster -t oauth-exporter-cluster .
build=localhost/sdk
if [ "${FULL:-}" != 1 ]; then
  # In this build stage, `dotnet publish` copies the program. To compile it once more takes minutes and shows nothing new.
  build=localhost/published
  stage=$(buildah mount "$(buildah from --pull-never --name published localhost/sdk)")
  install -D "$cluster" "$stage/published/oauth-exporter-cluster"
  rm "$stage/usr/bin/dotnet"
  cat > "$stage/usr/bin/dotnet" <<'END'
#!/bin/sh
[ "$1 $2" = "publish cmd/cluster" ] || exec /usr/share/dotnet/dotnet "$@"
until [ "$1" = -o ]; do shift; done
mkdir -p "$2" && cp /published/* "$2"
END
  chmod +x "$stage/usr/bin/dotnet"
  buildah commit -q --rm published $build >/dev/null
fi
check "another program is built from the same Dockerfile" images --program cluster --arch amd64 --sdk $build
archived() { skopeo copy "oci-archive:$work/images/oauth-exporter-cluster-$version-linux-amd64.oci.tar" "dir:$work/copied" && grep -F ":-oauth-exporter-cluster:$version}" examples/cluster/compose.yml && grep -F "image: oauth-exporter-cluster:$version" examples/cluster/kubernetes.yml; }
check "its archive has the name and the version of the image in the examples" archived
buildah tag "localhost/oauth-exporter-cluster:$version-amd64" oauth-exporter-cluster
inspect oauth-exporter-cluster
check "it runs as 65534 too" config_is .User '"65534:65534"'
check "its entrypoint is a link to the program" config_is .Entrypoint '["/usr/bin/oauth-exporter"]'
check "its labels contain the version and the commit" labels
root=$(buildah mount "$(buildah from --pull-never oauth-exporter-cluster)")
check "it contains no other program" only /usr/bin/oauth-exporter-cluster
check "it contains no files of the build" clean
check "it contains its licence and the notices of its libraries" licences Npgsql
size=$(du -sb "$root" | cut -f 1)
check "with the base made here it has $(in_megabytes "$size"), at most 65 MB" [ "$size" -le 65000000 ]

# The layout of examples/cluster/compose.yml, which mounts single files.
run=$work/replica volume=$work/replica-volume program=oauth-exporter
cp -a "$root/var/lib/exporter" "$volume"
mkdir "$root/etc/exporter"
contain
mkdir "$work/etc" && mount --bind "$work/etc" "$run/etc/exporter"
cp examples/cluster/exporter.yml "$work/etc"
openssl rand -hex 32 | tr -d '\n' > "$work/etc/store-password.txt"
echo "2026 $(openssl rand -base64 32)" > "$work/etc/store.key"
echo secret > "$work/etc/client-secret.txt"
printf 'keys:\n  - {name: admin, sha256: %064d, scopes: [accounts:read]}\n' 0 > "$work/etc/api-keys.yml"
chown -R 65534:65534 "$work/etc" && chmod 600 "$work"/etc/*
new_postgres 29233 "$work/etc/store-password.txt"
settings=(EXPORTER_CONFIG=/etc/exporter/exporter.yml EXPORTER_STORE=postgres://exporter@127.0.0.1:29233/exporter)
versions() { (container /usr/bin/oauth-exporter version) | grep "^oauth-exporter-cluster $version ("; }
check "the entrypoint prints the version of the program" versions
helps() { (container /usr/bin/oauth-exporter help) | grep -e '^  oauth-exporter-cluster check'; }
check "and its help" helps
check "it accepts the configuration of the example" eval '(container /usr/bin/oauth-exporter check)'
start
ready() { page /-/ready; }
check "over a PostgreSQL it becomes ready" eventually ready
check "its health check succeeds" health
check "its root is read-only, and it has no capabilities" read_only
rows() { page /metrics | grep -x 'exporter_store_reachable 1'; }
check "it is scraped" rows
stop
check "SIGTERM shuts it down with 0" [ $ended = 0 ]

#!/usr/bin/env bash
# Runs the published program in the layout of its pod: user, group, environment, read-only root, mounts and probes are those of the rendered
# manifests. Like the kubelet, it makes the Secret a directory of links, and replaces all its files with one rename.
. "$(dirname "$0")/checks.sh"
own_mounts "$@"
needs curl jq kubectl node
published_program
address=127.0.0.1:29218
start_sandbox

# The manifests with an account of the sandbox. `render` prints the objects as JSON, if they are valid.
cp -r examples/kubernetes "$work/kubernetes"
fill_in "$work/kubernetes" $address
sed -i 's/#- home-secret.txt/- home-secret.txt/' "$work/kubernetes/kustomization.yml"
render() { kubectl kustomize "$work/kubernetes" > "$work/rendered.yml" && node tests/peers/kubernetes/check.mjs "$work/rendered.yml" > "$work/objects"; }
check "kubectl renders the manifests with the files of the Secret, and they are valid" render
pod() { jq -r ".[] | select(.kind == \"StatefulSet\").spec.template.spec | $1" "$work/objects"; }
user=$(pod .securityContext.runAsUser) group=$(pod .securityContext.runAsGroup) shared=$(pod .securityContext.fsGroup)

# The volume of the Secret: a directory for each state of the Secret, the link ..data to the newest one, and a link for each file.
secret=$work/secret states=0
mkdir "$secret"
write_secret() {
  local state=..state-$((states += 1)) file
  mkdir "$secret/$state"
  for file in $(jq -r '.[] | select(.kind == "Secret").data | keys[]' "$work/objects"); do
    jq -r ".[] | select(.kind == \"Secret\").data[\"$file\"]" "$work/objects" | base64 -d > "$secret/$state/$file"
    chmod "$(printf %o "$(pod '.volumes[0].secret.defaultMode')")" "$secret/$state/$file"
    ln -sfn "..data/$file" "$secret/$file"
  done
  chown -hR "root:$shared" "$secret"
  chmod 3777 "$secret" && chmod 2755 "$secret/$state"
  ln -s "$state" "$secret/..data_tmp" && mv -T "$secret/..data_tmp" "$secret/..data"
}
write_secret

# A new volume, which the kubelet gives to fsGroup.
volume=$work/volume
mkdir "$volume" && chown "root:$shared" "$volume" && chmod 2775 "$volume"

# The root of the container: the program and the libraries of this machine.
run=$work/container
mkdir "$run" && mount -t tmpfs container "$run"
mkdir -p "$run"/{proc,dev,etc/ssl} "$run"/usr/{bin,lib,lib64}
install "$published" "$run/usr/bin/oauth-exporter"
ln -s usr/lib "$run/lib" && ln -s usr/lib64 "$run/lib64"
mounts() { pod '.containers[0].volumeMounts[] | "\(.name) \(.mountPath)"'; }
while read -r _ path; do mkdir -p "$run$path"; done < <(mounts)
mount -o remount,ro "$run"
for directory in /usr/lib /usr/lib64 /etc/ssl; do mount --bind "$directory" "$run$directory" && mount -o remount,bind,ro "$run$directory"; done
mount -t proc proc "$run/proc"
mount --bind /dev "$run/dev"
while read -r name path; do
  if [ "$name" = config ]; then mount --bind "$secret" "$run$path" && mount -o remount,bind,ro "$run$path"; else mount --bind "$volume" "$run$path"; fi
done < <(mounts)

mapfile -t environment < <(sed -n 's/^ENV //p' Dockerfile; pod '.containers[0].env[] | "\(.name)=\(.value)"')
# Like kubectl exec: the command has the environment, the user and the files of the pod.
pod_exec() { # command…; replaces the current shell
  exec env -i "${environment[@]}" setpriv --clear-groups --no-new-privs \
    unshare --root="$run" --wd="$(sed -n 's/^WORKDIR //p' Dockerfile | tail -n 1)" --setgid="$group" --setuid="$user" "$@"
}
start() { (pod_exec /usr/bin/oauth-exporter) > "$work/log" 2>&1 & exporter=$!; }
page() { curl -fsS "http://$address$1"; }
probe() { # name
  curl -fsS -o /dev/null -m "$(pod ".containers[0].$1.timeoutSeconds // 1")" "http://$address$(pod ".containers[0].$1.httpGet.path")"
}

start
check "without a login, the startup probe succeeds" eventually probe startupProbe
check "so do the liveness and the readiness probe" eval 'probe livenessProbe && probe readinessProbe'
needs_login() { page /metrics | has_series exporter_login_required 'account="home"' | grep ' 1$'; }
check "the account needs a login" needs_login
check "its login page is open, as through kubectl port-forward" page /auth
confined() { ! touch "$run/etc/new" 2>&1 && grep -q '^CapEff:.*0000000000000000$' "/proc/$exporter/status" && grep -q "^Uid:.$user" "/proc/$exporter/status"; }
check "its root is read-only, and it has no capabilities" confined
link() { (pod_exec /usr/bin/oauth-exporter login-link home) | grep "^http://$address/auth/link"; }
check "kubectl exec prints a link for a login" link
login() { refresh_token | (pod_exec /usr/bin/oauth-exporter login home --token); }
check "kubectl exec logs in with a pasted token" login
scraped() { page /metrics | grep '^netatmo_sensor_temperature_celsius'; }
check "it is scraped" eventually scraped
private() { [ "$(stat -c %a:%u "$volume/home-token.json")" = "600:$user" ]; }
check "only its user can read the token" private

# A changed Secret.
process=$exporter
cat >> "$work/kubernetes/exporter.yml" <<'END'
  mail: {source: oauth2, client_id: c, token_endpoint: "http://127.0.0.1:1/token"}
END
render && write_secret
reloads() { curl -fsS -X POST "http://$address/-/reload" | grep '^The configuration was reloaded\.$'; }
check "it reloads a changed Secret" reloads
added() { page /metrics | has_series exporter_login_required 'account="mail"' && kill -0 "$process"; }
check "the same process has the new account" added
sed -i 's/source: oauth2/source: oauth3/' "$work/kubernetes/exporter.yml"
render && write_secret
rejects() { [ "$(curl -sS -o "$work/problems" -w '%{http_code}' -X POST "http://$address/-/reload")" = 500 ] && grep -F '"oauth3"' "$work/problems"; }
check "it rejects a Secret with a mistake, and names it" rejects
check "and keeps its accounts" eval 'added && scraped && probe readinessProbe'

# The next pod.
sed -i 's/source: oauth3/source: oauth2/' "$work/kubernetes/exporter.yml"
render && write_secret
stop
check "SIGTERM shuts it down with 0" [ $ended = 0 ]
# fsGroupChangePolicy: OnRootMismatch. With these permissions of the directory, the kubelet leaves all files as they are.
unchanged() { [ "$(stat -c %a:%u:%g "$volume")" = "2775:0:$shared" ]; }
check "it does not change the permissions of the volume" unchanged
requests=$(counted .endpoints.token.requests)
start
check "the next pod is scraped" eventually scraped
check "without another token request" [ "$(counted .endpoints.token.requests)" = "$requests" ]
silent() { ! grep -i 'open to others\|permission' "$work/log"; }
check "no file is open to others or unreadable" silent
stop

#!/usr/bin/env bash
# Runs every shell command of README.md and docs/*.md, in this order, in a fresh clone. Another script here runs the commands that need root,
# a daemon or their own machine, and this script checks that it does. A command that no script runs is a failure.
. "$(dirname "$0")/checks.sh"
needs curl jq kubectl node setsid
published_program
clone=$work/exporter metrics=127.0.0.1:29215
start_sandbox

mkdir -p "$work/etc/systemd/system" "$work/usr/bin"
began=$SECONDS
git clone -q "$root" "$clone"
readme_commands() { awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$clone"/README.md "$clone"/docs/*.md | sed -E 's/ +# .*//' | sed -e ':a; /\\$/ { N; s/ *\\\n */ /; ta }'; }

# The command with values instead of its ellipses.
fill() { local command=$1 value; shift; for value; do command=${command/…/$value}; done; echo "$command"; }
typed() { (cd "$clone" && bash -ec "$(fill "$@")"); }
# Runs until stop, which also stops its child processes.
goes_on() { (cd "$clone" && exec setsid env NETATMO_API_URL="$(sandbox Address)" NETATMO_EXPORTER_ADDR=$metrics bash -c "$(fill "$@")") > "$work/output" 2>&1 & group=$!; }
# A build in a fresh clone takes minutes, and longer while the image is built.
in_minutes() { local end=$((SECONDS + 1800)); until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || { cat "$work/output"; return 1; }; sleep 0.3; done; }
stop() { kill -- -$group 2>/dev/null || true; while kill -0 -- -$group 2>/dev/null; do sleep 0.1; done; }
clean_up() { [ -z "${group:-}" ] || kill -9 -- -$group 2>/dev/null || true; }

# The commands for a running exporter have one of their own, at another port than in the documents.
own=127.0.0.1:29216
serves() { # command
  mkdir -p "$work/bin"
  ln -sf "$published" "$work/bin/oauth-exporter"
  printf 'accounts:\n  home: {source: oauth2, client_id: c, token_endpoint: "%s/token", token_file: home.json}\n' "$(sandbox Address)" > "$clone/exporter.yml"
  # A program inherits that its parent ignores HUP, as below nohup.
  (cd "$clone" && PATH=$work/bin:$PATH exec setsid env --default-signal=HUP bash -c "$1 --addr $own") > "$work/output" 2>&1 & group=$!
  in_minutes curl -fsS "http://$own/-/healthy"
}
own() { (cd "$clone" && PATH=$work/bin:$PATH bash -ec "${1//127.0.0.1:9210/$own}"); }
hangs_up() { kill -HUP $group; in_minutes grep 'the configuration was reloaded' "$work/output"; }
lists_problems() { own "$command" | grep '^home: Login needed$'; }
reloads() { own "$command" | grep '^The configuration was reloaded\.$'; }
writes() { own "HOME=$work; mkdir -p ~/.zfunc ~/.config/fish/completions; $command; test -s ${command##*> }"; }

runs() { # script command, as the script contains it
  check "${2:-$command}: run by $1" grep -qF -- "$3" "$root/$1"
}

demo() { curl -fsS "$(sed -n 's/.*Exporter  *\(http[^ ]*\) .*/\1/p' "$work/output")metrics" | has_series exporter_login_required 'account="car"' 'source="bmw-cardata"' | grep ' 1$'; }
scraped() { curl -fsS "http://$metrics/metrics" | grep '^netatmo_sensor_temperature_celsius'; }
pages() { curl -fsS "http://$metrics/" | grep -i 'next'; }
renewed() { grep 'sleeping' "$work/output"; }
# Docker Compose is not available.
composes() {
  local file
  for file in $(grep -o '[^ ]*\.yml' <<< "$command"); do node tests/peers/compose/check.mjs --compose "$clone/$file" || return 1; done
}
# There is no cluster.
has_set() {
  kubectl kustomize "$clone/examples/kubernetes" > "$work/rendered.yml"
  node tests/peers/kubernetes/check.mjs "$work/rendered.yml" | jq -e --arg command "$command" '.[] | select(.kind == "StatefulSet")
    | .spec.template.spec.containers[0].ports[0].containerPort as $port | .metadata.name as $name
    | ($command | contains("statefulset/\($name)")) and (($command | contains("port-forward") | not) or ($command | endswith(" \($port)")))'
}
typed_so_far=0

while IFS= read -r command; do
  [ -n "$command" ] || continue
  typed_so_far=$((typed_so_far + 1))
  case $command in
    'dotnet run --project examples/demo')
      goes_on "$command"
      in_minutes demo || true
      check "$command: two accounts need a login, $((SECONDS - began)) s after the start of the clone" demo
      stop
      from=$typed_so_far began=$SECONDS
      ;;
    'dotnet test Exporter.sln') runs .ci/run "" "$command" ;;
    *'> netatmo-token.json') check "$command" typed "$command" "$(sandbox "Refresh token")" ;;
    *'> netatmo-secret.txt') check "$command" typed "$command" "$(sandbox "Client secret")" ;;
    'dotnet run --project cmd/exporter -- --client-id '*)
      goes_on "$command" "$(sandbox "Client id")"
      in_minutes scraped || true
      check "$command: the first metric after $((typed_so_far - from - 1)) commands and $((SECONDS - began)) s more" scraped
      check "and the web page" pages
      stop
      ;;
    'docker build -t oauth-exporter .') runs tests/install/image.sh "" 'images --program exporter --arch all' ;;
    'docker run '*' -v "$PWD/netatmo-token.json:/var/lib/exporter/netatmo-token.json"'*) runs tests/install/image.sh "docker run with a mounted file" 'docker run -v "$PWD/netatmo-token.json' ;;
    'docker run '*'--token-file /var/lib/exporter/netatmo-token.json') runs tests/install/image.sh "docker run with a token file" 'start --token-file /var/lib/exporter/netatmo-token.json' ;;
    'docker run '*) runs tests/install/image.sh "docker run" '/usr/bin/$program' ;;
    'cp examples/compose/.env.example '*) check "$command" typed "$command" ;;
    'docker compose '*) check "$command: its files exist and conform to the schema" composes ;;
    'kubectl apply -k '*) check "$command: it renders" typed "kubectl kustomize ${command##* }" ;;
    'kubectl '*' statefulset/'*) check "$command: there is such an object with that port" has_set ;;
    'kubectl exec '*) runs tests/install/kubernetes.sh "" "${command#*-- }" ;;
    'sudo chown '*) check "$command" typed "${command#sudo }" ;;
    'packages/release --prepare '*) runs tests/install/release.sh "" 'packages/release --prepare $version' ;;
    'packages/release '*) runs tests/install/release.sh "" 'packages/release $version --no-gate' ;;
    'sha256sum --check '* | 'gpg --'*) runs tests/install/release.sh "" "$command" ;;
    packages/build) runs tests/install/packages.sh "" "$command" ;;
    'sudo apt install '*) runs tests/install/packages.sh "" 'install -y' ;;
    'sudo editor '*) runs tests/install/packages.sh "" 'fill_in' ;;
    'sudo oauth-exporter check --config /etc/exporter/exporter.yml') runs tests/install/packages.sh "" "${command#sudo }" ;;
    *'systemctl enable --now oauth-exporter') runs tests/install/systemd.sh "" "${command#sudo }" ;;
    'dotnet publish cmd/exporter -c Release -r linux-x64 -o artifacts/by-hand')
      runs tests/install/checks.sh "" "${command% -o*}"
      install -D "$published" "$clone/artifacts/by-hand/oauth-exporter"
      ;;
    'sudo install '*' /usr/bin/' | 'sudo install '*' /etc/'*) command=${command#sudo }; check "$command" typed "${command% /*} $work/${command##* /}" ;;
    'dotnet run --project cmd/sandbox') check "$command: its flags are explained" typed "$command -- --help" ;;
    *'> token.json') check "$command" typed "$command" "$(sandbox "BMW refresh token")" "$(sandbox "BMW client id")" ;;
    'BMW_AUTH_URL='*' dotnet run --project cmd/exporter -- keep')
      goes_on "BMW_AUTH_URL=$(sandbox Address) ${command#* }"
      check "$command: it renews" in_minutes renewed
      stop
      ;;
    'oauth-exporter --config exporter.yml --external-url '*)
      serves "$command"
      check "$command: a browser can use that name" curl -fsS -o /dev/null -H "Host: raspberrypi.local" "http://$own/"
      stop
      ;;
    'curl -s http://127.0.0.1:9210/api/status '*)
      serves 'oauth-exporter --config exporter.yml'
      check "$command" lists_problems
      stop
      ;;
    'source <(oauth-exporter completion bash)') check "$command" own "$command; complete -p oauth-exporter" ;;
    'oauth-exporter completion '*) check "$command" writes ;;
    # Docker sends the signal to the program, which is the container's first process.
    'kill -HUP PID' | 'docker kill -s HUP oauth-exporter')
      serves 'oauth-exporter --config exporter.yml'
      check "$command" hangs_up
      stop
      ;;
    'curl -X POST http://127.0.0.1:9210/-/reload')
      serves 'oauth-exporter --config exporter.yml'
      check "$command" reloads
      stop
      ;;
    *) check "$command: no script runs it" false ;;
  esac
done < <(readme_commands)

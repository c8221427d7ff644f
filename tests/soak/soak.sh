#!/usr/bin/env bash
# Runs the published program for a long time with hostile providers, while wrk requests /metrics and the page. Prints a Markdown table.
#
#   tests/soak/soak.sh [MINUTES (20) [EXPORTER]]
#
# EXPORTER           the program; by default, the script publishes it
# SEED (1)           the order of the faults
#
# Exits with 1 if memory, threads or descriptors grow, a login is lost or a refresh token is used twice.
# Needs wrk, jq and curl. Listens on loopback addresses only.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=$((${1:-20} * 60)) exporter=${2:-}
RANDOM=${SEED:-1}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

for needed in wrk jq curl; do
  command -v $needed >/dev/null || { echo "$needed is missing; install it" >&2; exit 1; }
done
if [ -z "$exporter" ]; then
  dotnet publish cmd/exporter -c Release -r linux-x64 -o "$work/published" -v q -nodeReuse:false >&2
  exporter=$work/published/oauth-exporter
fi
dotnet build cmd/sandbox -c Release -v q -nodeReuse:false >&2
sandbox=artifacts/bin/Sandbox/release/sandbox

port=19430 provider=http://127.0.0.1:19430 address=http://127.0.0.1:19432
$sandbox --listen "${provider#http://}" --access-lifetime 90s > "$work/sandbox" & sandbox_pid=$!
for _ in $(seq 400); do grep -q '^Webex integration' "$work/sandbox" && break; sleep 0.05; done
described() { sed -n "s/^$1: *//p" "$work/sandbox"; }
control() { curl -fsS -o /dev/null -H 'Content-Type: application/json' "$@"; }
# Logs in and writes the token file that an account starts with.
login() { # provider user file
  curl -fsS -H 'Content-Type: application/json' -d "{\"user\":\"$2\"}" "$provider/sandbox/tokens?provider=$1" | jq -c '{refresh_token}' > "$work/$3"
}
umask 077
{
  echo "accounts:"
  client="client_id: $(described 'Client id'), client_secret: $(described 'Client secret')"
  for i in 1 2 3 4; do
    login netatmo "home-$i" "home-$i.json"
    echo "  home-$i: { source: netatmo, $client, token_file: home-$i.json, api_url: \"$provider\", refresh_interval: $((9 + i))s, age_stale: 24h }"
    login netatmo "mail-$i" "mail-$i.json"
    echo "  mail-$i: { source: oauth2, $client, token_file: mail-$i.json, token_endpoint: \"$provider/oauth2/token\" }"
  done
  # BMW, and so the stand-in, has one stream for each user.
  login bmw-cardata driver car.json
  echo "  car: { source: bmw-cardata, client_id: $(described 'BMW client id'), token_file: car.json, auth_url: \"$provider\", api_url: \"$provider\","
  echo "    rest: true, mqtt_host: 127.0.0.1, mqtt_port: $((port + 1)), mqtt_ca_file: /tmp/sandbox-bmw-$((port + 1)).pem }"
  for i in 1 2; do
    login webex "org-$i" "app-$i.json"
    { echo WEBEX_SERVICE_APP_ACCESS_TOKEN=; echo "WEBEX_SERVICE_APP_REFRESH_TOKEN=$(jq -r .refresh_token "$work/app-$i.json")"; } > "$work/app-$i.env"
    read -r app _ org <<< "$(described 'Webex service app')"
    read -r id _ secret <<< "$(described 'Webex client')"
    jq -n "{serviceApp: {appId: \"$app\", clientId: \"$id\", clientSecret: \"$secret\", targetOrgId: \"$org\"}}" > "$work/app-$i-config.json"
    echo "  app-$i: { source: webex, config_file: app-$i-config.json, token_file: app-$i.env, api_url: \"$provider\", refresh_interval: 1m }"
  done
  read -r ergani _ user _ password <<< "$(sed -n 's/^Ergani: *\([^ ]*\) as \([^ ]*\) with \(.*\)/\1 as \2 with \3/p' "$work/sandbox")"
  echo "  shop: { source: ergani, username: $user, password: $password, api_url: \"$ergani\", token_file: shop.json, refresh_interval: 1m }"
} > "$work/exporter.yml"
accounts=(home-{1..4} mail-{1..4} car app-{1,2} shop)

(cd "$work" && exec "$exporter" --config exporter.yml --addr "${address#http://}" 2> log) & exporter_pid=$!
for _ in $(seq 400); do curl -fs -o /dev/null "$address/metrics" && break; sleep 0.05; done
curl -fs -o /dev/null "$address/metrics" || { cat "$work/log" >&2; exit 1; }

# Responses of 900 kB: no JSON, JSON that is too deep, and 130,000 numbers.
respond() { jq -Rsc '{kind: "respond", status: 200, body: .}'; }
head -c 900000 /dev/zero | tr '\0' x | respond > "$work/text"
head -c 900000 /dev/zero | tr '\0' '[' | respond > "$work/deep"
{ printf '{"body":{"devices":['; seq -s, 130000 | tr -d '\n'; printf ']}}'; } | respond > "$work/numbers"
# The token endpoints get no fault that rotates a token without its response: no client survives that.
harmless=('{"kind":"hang"}' '{"kind":"delay","seconds":5}' '{"kind":"server_error"}' '{"kind":"server_error","status":500,"retry_after":"2"}'
  '{"kind":"html"}' '{"kind":"html","status":200}' '{"kind":"garbage"}' '{"kind":"drop"}' '{"kind":"too_many_requests","retry_after":"3"}' "@text" "@deep" "@numbers")
hostile=("${harmless[@]}" '{"kind":"half_answer"}' '{"kind":"lose_answer"}' '{"kind":"delay","seconds":30}')
tokens=(netatmo:token bmw-cardata:token webex:service_app_token ergani:login ergani:refresh)
apis=(netatmo:stations netatmo:stations netatmo:stations bmw-cardata:mappings webex:data_sources webex:schemas ergani:submissions)
fault() { # provider:endpoint fault
  local body=$2
  [[ $body == @* ]] && body=$(cat "$work/${body#@}")
  echo "{\"endpoint\":\"${1#*:}\",\"times\":1,\"fault\":$body}" | control --data-binary @- "$provider/sandbox/faults?provider=${1%%:*}" && echo "$1 $2" >> "$work/faults"
}
waiting() { curl -fsS "$provider/sandbox/state" | jq "[.[\"${1%%:*}\"].endpoints[\"${1#*:}\"].faults[].times] | add // 0"; }
# At most two faults wait for one endpoint, so that none stays unused for long.
attack() {
  local endpoint
  while sleep 1; do
    endpoint=${apis[RANDOM % ${#apis[@]}]}
    [ "$(waiting "$endpoint")" -ge 2 ] || fault "$endpoint" "${hostile[RANDOM % ${#hostile[@]}]}"
    [ $((RANDOM % 3)) = 0 ] || continue
    endpoint=${tokens[RANDOM % ${#tokens[@]}]}
    [ "$(waiting "$endpoint")" -ge 2 ] || fault "$endpoint" "${harmless[RANDOM % ${#harmless[@]}]}"
  done
}
attack & attack_pid=$!
wrk -t1 -c8 -d "${seconds}s" -H 'Accept-Encoding: gzip' "$address/metrics" > "$work/wrk-metrics" &
wrk -t1 -c4 -d "${seconds}s" "$address/" > "$work/wrk-page" &

end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
  sleep 10
  kill -0 $exporter_pid 2>/dev/null || { echo "the exporter ended" >&2; tail "$work/log" >&2; exit 1; }
  awk -v descriptors="$(ls /proc/$exporter_pid/fd | wc -l)" '/^VmRSS/ { r = $2 / 1024 } /^Threads/ { t = $2 } END { print r, t, descriptors }' "/proc/$exporter_pid/status" >> "$work/samples"
done
kill $attack_pid

# The faults that wait are removed. Each hung request is answered.
for name in netatmo bmw-cardata webex ergani; do control -X DELETE "$provider/sandbox/faults?provider=$name"; done
sleep 5
curl -fsS "$address/metrics" > "$work/page"
state=$(curl -fsS "$provider/sandbox/state")
kill $exporter_pid
wait $exporter_pid || { echo "the exporter ended with $?" >&2; failed=1; }
failed=${failed:-0}
fail() { echo "FAILED: $1" >&2; failed=1; }

quarter() { # column quarter
  awk -v c="$1" -v q="$2" -v n="$(wc -l < "$work/samples")" 'NR > (q - 1) * n / 4 && NR <= q * n / 4 { print $c }' "$work/samples" | sort -n |
    awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
echo
echo "$((seconds / 60)) minutes, ${#accounts[@]} accounts, $(wc -l < "$work/faults") faults, $(jq '[.[] | (.levels // {"": .tokens})[] | .rotations] | add' <<< "$state") renewals," \
  "$(awk '/^exporter_readings_total/ { n += $2 } END { print n }' "$work/page") readings, $(awk '/requests in/ { n += $1 } END { print n }' "$work"/wrk-*) requests by wrk."
echo
echo "| median | first quarter | second quarter | last quarter |"
echo "| --- | --- | --- | --- |"
column=0
for what in "resident memory, MB" threads descriptors; do
  column=$((column + 1))
  second=$(quarter $column 2) last=$(quarter $column 4)
  echo "| $what | $(quarter $column 1) | $second | $last |"
  awk -v a="$second" -v b="$last" 'BEGIN { exit b > 1.25 * a }' || fail "$what: $last is more than 1.25 times $second"
done
echo
grep -H 'Socket errors\|Non-2xx' "$work"/wrk-* | sed 's/.*wrk-//' || true
counted() { jq "[.[] | (.levels // {\"\": .tokens})[] | .$1] | add" <<< "$state"; }
for counter in reused_refresh_tokens revoked_families; do
  count=$(counted $counter)
  echo "$counter: $count"
  [ "$count" = 0 ] || fail "$counter: $count"
done
# What is lost shows at the latest here: each account renews its token once more.
for account in "${accounts[@]}"; do
  grep -q "^exporter_token_state{account=\"$account\".*state=\"active\"} 1" "$work/page" || fail "$account: $(grep "^exporter_token_state{account=\"$account\".* 1" "$work/page")"
  # The stand-in of Ergani limits logins and renewals to a few in ten minutes.
  [ "$account" = shop ] || (cd "$work" && "$exporter" refresh --yes --config exporter.yml "$account" > refreshed 2>&1) || fail "$account: $(tail -n 1 "$work/refreshed")"
done
[ $failed = 0 ] || tail -n 20 "$work/log" >&2
exit $failed

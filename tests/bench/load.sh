#!/usr/bin/env bash
# Measures scrapes under load: the exporter, nginx with the same bytes, and optionally another exporter. Prints a Markdown table.
#
#   tests/bench/load.sh [EXPORTER [PRECOMPILED]]
#
# EXPORTER           the program to measure; by default, the script publishes it
# PRECOMPILED        the program for old systems: the script measures it in turns with the other
#
# ROUNDS (5)         rounds; the table has medians and ranges
# SECONDS_EACH (3)   length of one measurement
# OTHER              "NAME=BINARY" of another exporter with netatmo-exporter's flags
# Needs wrk, nginx and curl. Listens on loopback addresses only.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-5} length=${SECONDS_EACH:-3}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; kill -CONT $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

for needed in wrk nginx curl; do
  command -v $needed >/dev/null || { echo "$needed is missing; install it (Debian: wrk, nginx-light, curl)" >&2; exit 1; }
done
exporter=${1:-} precompiled=${2:-}
if [ -z "$exporter" ]; then
  dotnet publish cmd/exporter -c Release -r linux-x64 -o "$work/published" -v q -nodeReuse:false >&2
  exporter=$work/published/oauth-exporter
fi
for project in tests/bench cmd/sandbox; do dotnet build "$project" -c Release -v q -nodeReuse:false >&2; done
bench=artifacts/bin/Exporter.Bench/release/Exporter.Bench
sandbox=artifacts/bin/Sandbox/release/sandbox

median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
spread() { sort -n | awk 'NR == 1 { low = $1 } { high = $1 } END { printf "%g–%g", low, high }'; }
until_up() { for _ in $(seq 400); do curl -fs -o /dev/null "$1" && return; sleep 0.05; done; echo "$1 does not answer" >&2; return 1; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
rss() { awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$1/status"; }

# Starts a sandbox on port + 100 and an exporter on port + 1, and waits for its first readings.
start_pair() { # name stations port interval binary
  local provider=127.0.0.1:$(($3 + 100))
  "$sandbox" --stations "$2" --listen $provider > "$work/$1.sandbox" &
  for _ in $(seq 400); do grep -q '^Webex integration' "$work/$1.sandbox" && break; sleep 0.05; done
  echo "{\"refresh_token\":\"$(awk '/^Refresh token/ { print $3 }' "$work/$1.sandbox")\"}" > "$work/$1.json"
  local id secret
  id=$(awk '/^Client id/ { print $3 }' "$work/$1.sandbox") secret=$(awk '/^Client secret/ { print $3 }' "$work/$1.sandbox")
  NETATMO_API_URL=http://$provider NETATMO_AGE_STALE=24h "$5" --addr 127.0.0.1:$(($3 + 1)) -i "$id" -s "$secret" --token-file "$work/$1.json" --refresh-interval "$4" 2> "$work/$1.log" &
  echo $! > "$work/$1.pid"
  until_up "http://127.0.0.1:$(($3 + 1))/metrics"
  for _ in $(seq 400); do curl -s "http://127.0.0.1:$(($3 + 1))/metrics" | grep '^netatmo_sensor_temperature' > /dev/null && return; sleep 0.05; done
  echo "$1 has no readings" >&2; cat "$work/$1.log" >&2; return 1
}

# Starts an exporter with twelve accounts, idle or busy, and a provider on port + 100. Both are stopped except during their measurement,
# because the busy one would take processor time from all other measurements.
start_many() { # name port
  mkdir "$work/$1"
  "$bench" provider 127.0.0.1:$(($2 + 100)) "$work/$1" "$1" > "$work/$1.provider" &
  echo $! > "$work/$1.pids"
  for _ in $(seq 400); do grep -q ready "$work/$1.provider" && break; sleep 0.05; done
  "$exporter" --config "$work/$1/exporter.yml" --addr 127.0.0.1:$2 2> "$work/$1.log" &
  echo $! >> "$work/$1.pids"
  for _ in $(seq 400); do [ "$(curl -s "http://127.0.0.1:$2/metrics" | grep -c '^exporter_up.* 1$')" = 12 ] && { xargs kill -STOP < "$work/$1.pids"; return; }; sleep 0.05; done
  echo "not every account of $1 has readings" >&2; cat "$work/$1.log" >&2; return 1
}

# Milliseconds from exec to the first status 200, without a provider: nothing listens on 127.0.0.1:9.
first() { # binary
  echo '{"refresh_token":"none"}' > "$work/first.json"
  local pid took
  read -r pid took < <(NETATMO_API_URL=http://127.0.0.1:9 "$bench" first http://127.0.0.1:19310/metrics "$1" --addr 127.0.0.1:19310 -i id -s secret --token-file "$work/first.json" --log-level error 2>/dev/null)
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
  echo "$took"
}

# Resident memory of an exporter after 1,000 scrapes, in MB.
memory() { # name port binary
  start_pair "$1" small "$2" 8m "$3"
  for _ in $(seq 10); do curl -s -o /dev/null "http://127.0.0.1:$(($2 + 1))/metrics?[1-100]"; done
  rss "$(cat "$work/$1.pid")"
}

# Requests per second, and the 99th percentile in milliseconds.
load() { # url connections [header]
  wrk -t1 -c "$2" -d "${length}s" --latency ${3:+-H "$3"} "$1" | awk '
    /^Requests\/sec/ { rate = $2 }
    $1 == "99%" { p = $2; if (p ~ /us$/) p = p / 1000; else if (p ~ /ms$/) p += 0; else if (p ~ /s$/) p *= 1000 }
    END { print rate, p + 0 }'
}

start_pair small small 19301 8m "$exporter"
start_pair large large 19303 8m "$exporter"
start_many idle 19321
start_many busy 19322
[ -z "$precompiled" ] || { start_pair precompiled-small small 19315 8m "$precompiled"; start_pair precompiled-large large 19317 8m "$precompiled"; }
if [ -n "${OTHER:-}" ]; then
  start_pair other-small small 19311 8m "${OTHER#*=}"
  start_pair other-large large 19313 8m "${OTHER#*=}"
fi
"$bench" kestrel http://127.0.0.1:19307 > /dev/null & kestrel=$!
until_up http://127.0.0.1:19307/

# nginx serves the exporter's bytes, plain and compressed.
mkdir -p "$work/root"
for size in small large; do
  [ $size = small ] && port=19302 || port=19304
  curl -s "http://127.0.0.1:$port/metrics" > "$work/root/$size"
  curl -s -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/metrics" > "$work/root/$size.gz"
done
chmod -R a+rX "$work"
cat > "$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 256; }
http { access_log off; sendfile on; keepalive_requests 100000000; default_type text/plain; gzip_static always; server { listen 127.0.0.1:19308; root $work/root; } }
CONF
sed 's/gzip_static always;//' "$work/nginx.conf" > "$work/plain.conf"
sed -i 's/19308/19309/; s#nginx.pid#gzip.pid#' "$work/nginx.conf"
nginx -c "$work/plain.conf" & nginx -c "$work/nginx.conf" &
until_up http://127.0.0.1:19308/small
until_up http://127.0.0.1:19309/small

for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for size in small large; do
    [ $size = small ] && port=19302 || port=19304
    load "http://127.0.0.1:$port/metrics" 8 >> "$work/exporter-$size-plain"
    load "http://127.0.0.1:19308/$size" 8 >> "$work/nginx-$size-plain"
    load "http://127.0.0.1:$port/metrics" 8 'Accept-Encoding: gzip' >> "$work/exporter-$size-gzip"
    load "http://127.0.0.1:19309/$size" 8 'Accept-Encoding: gzip' >> "$work/nginx-$size-gzip"
    if [ -n "$precompiled" ]; then
      load "http://127.0.0.1:$((port + 14))/metrics" 8 >> "$work/precompiled-$size-plain"
      load "http://127.0.0.1:$((port + 14))/metrics" 8 'Accept-Encoding: gzip' >> "$work/precompiled-$size-gzip"
    fi
    if [ -n "${OTHER:-}" ]; then
      load "http://127.0.0.1:$((port + 10))/metrics" 8 >> "$work/other-$size-plain"
      load "http://127.0.0.1:$((port + 10))/metrics" 8 'Accept-Encoding: gzip' >> "$work/other-$size-gzip"
    fi
  done
  for name in idle busy; do
    [ $name = idle ] && port=19321 || port=19322
    xargs kill -CONT < "$work/$name.pids"
    sleep 2
    length=12 load "http://127.0.0.1:$port/metrics" 8 'Accept-Encoding: gzip' >> "$work/exporter-$name-gzip"
    xargs kill -STOP < "$work/$name.pids"
  done
  # Processor time of sequential scrapes, and of Kestrel with six bytes.
  for name in small kestrel; do
    [ $name = small ] && { url=http://127.0.0.1:19302/metrics pid=$(cat "$work/small.pid"); } || { url=http://127.0.0.1:19307/ pid=$kestrel; }
    before=$(ticks "$pid")
    rate=$(load $url 1 | cut -d' ' -f1)
    after=$(ticks "$pid")
    awk -v t=$((after - before)) -v r="$rate" -v s="$length" 'BEGIN { print t * 10000 / (r * s) }' >> "$work/cpu-$name"
  done
  first "$exporter" >> "$work/start"
  memory "fresh-$round" $((19340 + 2 * round)) "$exporter" >> "$work/memory"
  [ -z "$precompiled" ] && continue
  first "$precompiled" >> "$work/start-precompiled"
  memory "precompiled-$round" $((19380 + 2 * round)) "$precompiled" >> "$work/memory-precompiled"
done
# Resident memory with 10,000 accounts that only keep a token, all of them valid.
mkdir "$work/tokens"
for number in $(seq 10000); do
  echo "  a$number: {source: oauth2, client_id: c, token_endpoint: \"http://127.0.0.1:9/t\", token_file: tokens/$number}"
  printf '{"access_token":"access-%030d","refresh_token":"refresh-%030d","expiry":"2099-01-01T00:00:00Z"}' "$number" "$number" > "$work/tokens/$number"
done | { echo accounts:; cat; } > "$work/many.yml"
chmod 600 "$work"/tokens/*
"$exporter" --config "$work/many.yml" --addr 127.0.0.1:19330 --log-level error 2> "$work/many.log" & many=$!
until_up http://127.0.0.1:19330/-/ready
sleep 10
tokens_only=$(rss $many)
kill $many
read -r each threads timers < <("$bench" accounts 10000)

rate() { cut -d' ' -f1 "$work/$1" | median; }
p99() { cut -d' ' -f2 "$work/$1" | median; }
row() { # title size coding goal
  local own nginx other="" compared=""
  own=$(rate "exporter-$2-$3") nginx=$(rate "nginx-$2-$3")
  [ -n "${OTHER:-}" ] && other=" $(rate "other-$2-$3") |"
  [ -n "$precompiled" ] && compared=", $(echo "$own $(rate "precompiled-$2-$3")" | awk '{ printf "%.2f", $1 / $2 }') of the precompiled program"
  printf '| scrapes/s, %s | %.0f (%s) | %.0f (%s) |%s %.2f of nginx%s | %s |\n' "$1" "$own" "$(cut -d' ' -f1 "$work/exporter-$2-$3" | spread)" \
    "$nginx" "$(cut -d' ' -f1 "$work/nginx-$2-$3" | spread)" "$other" "$(echo "$own $nginx" | awk '{ print $1 / $2 }')" "$compared" "$4"
}
header=""; rule=""
[ -n "${OTHER:-}" ] && { header=" ${OTHER%%=*} |" rule=" --- |"; }
series() { curl -s "http://127.0.0.1:$1/metrics" | grep -vc '^#'; }
echo
echo "Medians of $rounds rounds (ranges in parentheses), on $(nproc) cores ($(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)), which wrk shares."
echo
echo "| what | exporter | nginx, the same bytes |$header result | goal |"
echo "| --- | --- | --- |$rule --- | --- |"
row "1 station, $(series 19302) series" small plain 0.75
row "1 station, gzip" small gzip 0.75
row "200 stations, $(series 19304) series" large plain 1
row "200 stations, gzip" large gzip 0.75
echo
echo "| what | result | goal |"
echo "| --- | --- | --- |"
own=$(median < "$work/cpu-small") base=$(median < "$work/cpu-kestrel")
printf '| processor time of a sequential scrape, 1 station | %.0f µs, Kestrel with six bytes %.0f µs | at most 80 µs over Kestrel |\n' "$own" "$base"
printf '| 99th percentile at 8 connections, 200 stations in 12 accounts, gzip, a new reading every second, a renewal every five | %s ms, idle %s ms: %.1f times | under 3 times |\n' "$(p99 exporter-busy-gzip)" "$(p99 exporter-idle-gzip)" \
  "$(echo "$(p99 exporter-busy-gzip) $(p99 exporter-idle-gzip)" | awk '{ print $1 / $2 }')"
printf '| from exec to the first 200 | %s ms (%s) | at most 60 ms |\n' "$(median < "$work/start")" "$(spread < "$work/start")"
megabytes() { stat -c %s "$1" | awk '{ print $1 / 1e6 }'; }
printf '| resident memory after 1,000 scrapes | %.1f MB (%s) | at most 40 MB |\n' "$(median < "$work/memory")" "$(spread < "$work/memory")"
printf '| size of the program | %.1f MB | at most 24 MB |\n' "$(megabytes "$exporter")"
printf '| 10,000 accounts, tokens only | %d bytes of heap each; in all %d threads and %d timers more | under 4 kB each |\n' "$each" "$threads" "$timers"
printf '| 10,000 accounts, tokens only: resident memory | %.1f MB | at most 85 MB |\n' "$tokens_only"
if [ -n "$precompiled" ]; then
  printf '| precompiled: from exec to the first 200 | %s ms (%s) | |\n' "$(median < "$work/start-precompiled")" "$(spread < "$work/start-precompiled")"
  printf '| precompiled: resident memory after 1,000 scrapes | %.1f MB (%s) | |\n' "$(median < "$work/memory-precompiled")" "$(spread < "$work/memory-precompiled")"
  printf '| precompiled: size of the program | %.1f MB | |\n' "$(megabytes "$precompiled")"
fi

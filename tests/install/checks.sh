# The other scripts source this file. Each `check "sentence" command…` runs the command and writes a line of the Test Anything Protocol to
# the terminal and to artifacts/test-results/SCRIPT.tap, which .ci/run counts. The output of a failed command follows as comments.
# A script that stops early writes "Bail out!" as its last line, and fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# Leaves no build server running.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false
. packages/common
version=$(current_version)
work=$(mktemp -d)
# PostgreSQL does not run as root.
postgres_programs=/usr/lib/postgresql/15/bin as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
mkdir -p artifacts/test-results
results=artifacts/test-results/$(basename "$0" .sh).tap
: > "$results"
checks=0 failures=0

check() { # sentence command…
  local sentence=$1 output verdict=ok
  shift
  output=$("$@" 2>&1) || { verdict="not ok"; failures=$((failures + 1)); }
  checks=$((checks + 1))
  { echo "$verdict $checks - $sentence"; [ "$verdict" = ok ] || tail -n 40 <<< "$output" | sed 's/^/# /'; } | tee -a "$results"
}

# Repeats the command until it succeeds, for at most three minutes.
eventually() {
  local end=$((SECONDS + 180))
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

# Restarts the script in a mount namespace, so that its mounts disappear with it. Call it first.
own_mounts() {
  [ -z "${OWN_MOUNTS:-}" ] || return 0
  [ "$(id -u)" = 0 ] || { echo "$(basename "$0") mounts file systems: run it as root" >&2; exit 1; }
  trap - EXIT
  rm -r "$work"
  OWN_MOUNTS=1 exec unshare --mount "$root/tests/install/$(basename "$0")" "$@"
}

# Prints the series of a metric that have all these labels, in any order, from a page on standard input.
has_series() { # metric label="value"…
  local lines label
  lines=$(grep "^$1{") || { echo "the page has no series of $1"; return 1; }
  for label in "${@:2}"; do
    lines=$(grep -F "$label" <<< "$lines") || { echo "no series of $1 has $label"; return 1; }
  done
  echo "$lines"
}

# Fails and lists the missing commands.
needs() { # command…
  local command missing=0
  for command; do
    command -v "$command" >/dev/null || { missing=1; echo "$command is missing; install $(awk -v c="$command" '$1 == c { print $2 }' tests/peers.txt)" >&2; }
  done
  [ $missing = 0 ]
}

# Prints the output of the command only if it fails.
quietly() { "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; return 1; }; }

# Publishes the program to $published and builds the sandbox. With PUBLISHED=FILE, both exist already.
published_program() {
  published=${PUBLISHED:-$root/artifacts/published/oauth-exporter}
  [ -z "${PUBLISHED:-}" ] || return 0
  quietly dotnet publish cmd/exporter -c Release -r linux-x64 -o artifacts/published -v q -nodeReuse:false
  quietly dotnet build cmd/sandbox -v q -nodeReuse:false
}

# Publishes the program for several machines to $cluster, and builds the sandbox. With PUBLISHED_CLUSTER=FILE, both exist already.
published_cluster() {
  cluster=${PUBLISHED_CLUSTER:-$root/artifacts/published-cluster/oauth-exporter-cluster}
  [ -z "${PUBLISHED_CLUSTER:-}" ] || return 0
  quietly dotnet publish cmd/cluster -c Release -r linux-x64 -o artifacts/published-cluster -v q -nodeReuse:false
  quietly dotnet build cmd/sandbox -v q -nodeReuse:false
}

# Builds the tests and the sandbox, unless they exist.
built_tests() { [ -e artifacts/bin/Exporter.Tests/debug/Exporter.Tests ] || quietly dotnet build tests/Exporter.Tests.csproj -v q -nodeReuse:false; }

# Runs the tests of the program against a published form.
passes() { # form file
  EXPORTER=$2 dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx \
    --report-xunit-trx-filename "$1.trx" --filter-class Exporter.Tests.Program.SecureConnectionTests Exporter.Tests.Program.WeatherStationTests \
    Exporter.Tests.Program.MovingOverTests Exporter.Tests.Cmd.RealProgramTests Exporter.Tests.Webex.WebexProgramTests
}
# The program is the only file of its directory.
alone() { [ "$(ls "$(dirname "$1")")" = "$(basename "$1")" ]; } # file
# The newest version of the C library whose functions the program uses.
runs_with() { [ "$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)" = "GLIBC_$2" ]; } # file version
small() { [ "$(stat -c %s "$1")" -le "$2" ]; } # file bytes
megabytes() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; } # file

# Sends SIGTERM to the started program, and waits for its exit code.
stop() { kill $exporter; ended=0; wait $exporter || ended=$?; }

# Unpacks a minimal Debian, of the suite and from the mirror of this machine. It is built once and kept in artifacts/debootstrap.
# For another architecture, the kernel has to start its programs with qemu.
bare_debian() { # directory [architecture]
  local suite tar mirror architecture=${2:-$(dpkg --print-architecture)}
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  tar=artifacts/debootstrap/$suite-$architecture.tar
  if [ ! -f "$tar" ]; then
    mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null || true; } | awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { print $(/^deb \[/ ? 3 : 2); exit }')
    quietly debootstrap --arch="$architecture" --variant=minbase "$suite" "$work/debootstrap" "$mirror"
    mkdir -p artifacts/debootstrap
    tar -C "$work/debootstrap" -cf "$tar.$$" . && mv "$tar.$$" "$tar"
    rm -rf "$work/debootstrap"
  fi
  mkdir -p "$1"
  tar -C "$1" -xf "$tar"
  echo 'Acquire::Retries "3";' > "$1/etc/apt/apt.conf.d/80retries"
}

# Starts the sandbox on a free port. `sandbox "Client id"` prints that line of its output.
start_sandbox() {
  : > "$work/sandbox"
  artifacts/bin/Sandbox/debug/sandbox --listen 127.0.0.1:0 > "$work/sandbox" &
  eventually grep -q '^Webex integration:' "$work/sandbox"
}
sandbox() { sed -n "s/^$1: *//p" "$work/sandbox"; }
# A Netatmo counter of the sandbox, such as: counted .tokens.rotations
counted() { curl -fsS "$(sandbox Address)/sandbox/state" | jq ".netatmo$1"; }

# Makes a PostgreSQL server that accepts passwords and TLS, and starts it.
# The user exporter has the password of the file, and owns the empty database exporter.
new_postgres() { # port password-file
  postgres_port=$1
  chmod 711 "$work"
  install -d -o postgres -g postgres -m 700 "$work/postgres"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=postgres -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/postgres/server.key" -out "$work/postgres/server.crt" 2>/dev/null
  cp "$2" "$work/postgres/password"
  chown postgres:postgres "$work"/postgres/*
  quietly "${as_postgres[@]}" "$postgres_programs/initdb" -D "$work/postgres/data" -U postgres --auth=scram-sha-256 --pwfile="$work/postgres/password" --no-sync -E UTF8
  mv "$work"/postgres/server.* "$work/postgres/data"
  start_postgres
  quietly sql postgres "create role exporter login password '$(cat "$2")'"
  quietly sql postgres 'create database exporter owner exporter'
}
start_postgres() {
  "${as_postgres[@]}" "$postgres_programs/postgres" -D "$work/postgres/data" -p "$postgres_port" -h 127.0.0.1 -k '' -c ssl=on >> "$work/postgres.log" 2>&1 & database=$!
  eventually "$postgres_programs/pg_isready" -q -h 127.0.0.1 -p "$postgres_port"
}
stop_postgres() { kill "-$1" $database; wait $database || true; } # INT, or QUIT for a crash
sql() { PGPASSWORD=$(cat "$work/postgres/password") "$postgres_programs/psql" -h 127.0.0.1 -p "$postgres_port" -U postgres -d "$1" -At -v ON_ERROR_STOP=1 -c "$2"; } # database statement

# A new login at the sandbox.
refresh_token() { curl -fsS -X POST -H 'Content-Type: application/json' -d '{}' "$(sandbox Address)/sandbox/tokens?provider=netatmo" | jq -r .refresh_token; }

# Adds an account of the sandbox to the example configuration, with its secret in a separate file.
fill_in() { # directory address
  sed -i '/^#accounts:/,$d' "$1/exporter.yml"
  cat >> "$1/exporter.yml" <<END
addr: $2
accounts:
  home:
    source: netatmo
    client_id: $(sandbox "Client id")
    client_secret_file: home-secret.txt
    api_url: $(sandbox Address)
END
  (umask 077; sandbox "Client secret" > "$1/home-secret.txt")
}

# Builds the package of version 0.1.0, when its name was exporter, with the scripts and units of that version. OLD=FILE is its program; by
# default, it contains the current one.
old_package() { # file
  local tree=$work/old old=tests/install/testdata/exporter-0.1.0
  install -D "${OLD:-$published}" "$tree/usr/bin/exporter"
  install -D -m 644 -t "$tree/usr/lib/systemd/system" $old/*.service
  install -d -m 700 "$tree/etc/exporter"
  install -m 600 $old/exporter.yml "$tree/etc/exporter"
  install -D -m 755 -t "$tree/DEBIAN" $old/{postinst,prerm,postrm}
  echo /etc/exporter/exporter.yml > "$tree/DEBIAN/conffiles"
  sed 's/@VERSION@/0.1.0/; s/@ARCHITECTURE@/amd64/; s/@SIZE@/1/' $old/control > "$tree/DEBIAN/control"
  dpkg-deb --root-owner-group -Znone --build "$tree" "$1" >/dev/null
  rm -r "$tree"
}

# A script can define its own clean_up. The plan of TAP is its last line.
clean_up() { :; }
finish() {
  local status=$?
  clean_up || true
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  # Unmounts first, so that rm does not empty what a script mounted.
  awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n 1 umount -l || true
  rm -rf --one-file-system "$work" || true
  if [ $status -ne 0 ]; then
    echo "Bail out! $(basename "$0") ended early with $status" | tee -a "$results"
    exit 1
  fi
  echo "1..$checks" | tee -a "$results"
  [ $failures -eq 0 ] || exit 1
}
trap finish EXIT

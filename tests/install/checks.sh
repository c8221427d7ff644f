# Read by the scripts beside it. Each `check "sentence" command…` runs the command and writes a line of the Test Anything Protocol, on the
# terminal and into artifacts/test-results/SCRIPT.tap, which .ci/run counts. What a failed command printed follows as comments.
# A script that stops early has "Bail out!" as its last line, and fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# No server of the SDK's outlives a script.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false
work=$(mktemp -d)
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

# The given command until it succeeds, for three minutes at most.
eventually() {
  local end=$((SECONDS + 180))
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

# Starts the script again in a mount namespace, so that what it mounts is gone with it. Its first line.
own_mounts() {
  [ -z "${OWN_MOUNTS:-}" ] || return 0
  [ "$(id -u)" = 0 ] || { echo "$(basename "$0") makes file systems of its own, which only root may: run it with sudo" >&2; exit 1; }
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

# Ends with a sentence about each command that is missing.
needs() { # command…
  local command missing=0
  for command; do
    command -v "$command" >/dev/null || { missing=1; echo "$command is missing; install $(awk -v c="$command" '$1 == c { print $2 }' tests/peers.txt)" >&2; }
  done
  [ $missing = 0 ]
}

# What it prints is shown where it fails.
quietly() { "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }; }

# The program as it is published, in $published, and the sandbox. PUBLISHED=FILE takes one that is there, with the sandbox as it was built.
published_program() {
  published=${PUBLISHED:-$root/artifacts/published/exporter}
  [ -z "${PUBLISHED:-}" ] || return 0
  quietly dotnet publish cmd/exporter -c Release -r linux-x64 -o artifacts/published -v q -nodeReuse:false
  quietly dotnet build cmd/sandbox -v q -nodeReuse:false
}

# A Debian with nothing but what every Debian has, of the suite and from the mirror of this machine; made once, kept in artifacts/debootstrap.
bare_debian() { # directory
  local suite tar mirror
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  tar=artifacts/debootstrap/$suite.tar
  if [ ! -f "$tar" ]; then
    mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null || true; } | awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { print $(/^deb \[/ ? 3 : 2); exit }')
    quietly debootstrap --variant=minbase "$suite" "$work/debootstrap" "$mirror"
    mkdir -p artifacts/debootstrap
    tar -C "$work/debootstrap" -cf "$tar.$$" . && mv "$tar.$$" "$tar"
    rm -rf "$work/debootstrap"
  fi
  mkdir -p "$1"
  tar -C "$1" -xf "$tar"
  echo 'Acquire::Retries "3";' > "$1/etc/apt/apt.conf.d/80retries"
}

# The providers' stand-in on a port of its own, with what it prints: sandbox says "Client id".
start_sandbox() {
  : > "$work/sandbox"
  artifacts/bin/Sandbox/debug/sandbox --listen 127.0.0.1:0 > "$work/sandbox" &
  eventually grep -q '^Webex integration:' "$work/sandbox"
}
sandbox() { sed -n "s/^$1: *//p" "$work/sandbox"; }
# What it counted of Netatmo's: counted .tokens.rotations
counted() { curl -fsS "$(sandbox Address)/sandbox/state" | jq ".netatmo$1"; }

# The example's configuration filled in as it says: an account at the sandbox, its secret in a file beside it.
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

# What is to be done in any case, in the script's own words; then the plan, which TAP has at the end.
clean_up() { :; }
finish() {
  local status=$?
  clean_up || true
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  # What a script mounted there, in mounts of its own, must not be emptied.
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

# Read by the scripts beside it. Each `check "sentence" command…` runs the command and writes a line of the Test Anything Protocol, on the
# terminal and into artifacts/test-results/SCRIPT.tap, which .ci/run counts. What a failed command printed follows as comments.
# A script that stops early has "Bail out!" as its last line, and fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
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

# The given command until it succeeds, for half a minute at most.
eventually() {
  local end=$((SECONDS + 30))
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

# What is to be done in any case, in the script's own words; then the plan, which TAP has at the end.
clean_up() { :; }
finish() {
  local status=$?
  clean_up || true
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
  if [ $status -ne 0 ]; then
    echo "Bail out! $(basename "$0") ended early with $status" | tee -a "$results"
    exit 1
  fi
  echo "1..$checks" | tee -a "$results"
  [ $failures -eq 0 ] || exit 1
}
trap finish EXIT

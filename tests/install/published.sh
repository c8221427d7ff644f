#!/usr/bin/env bash
# The program in its published forms: the tests of the program, from the first token file to the kill between two renewals, run
# against each. A folder may be given for each form; otherwise they are published now.
#
#   tests/install/published.sh [READY-TO-RUN-FOLDER [AHEAD-OF-TIME-FOLDER]]
source "$(dirname "$0")/checks.sh"

megabytes() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }

publish() { # folder property…
  local folder=$1
  shift
  dotnet publish cmd/exporter -c Release -r linux-x64 -o "$folder" -nodeReuse:false -warnaserror "$@"
}

alone() { [ "$(ls "$1")" = exporter ]; }

run_tests() { # name binary
  EXPORTER=$2 dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx --report-xunit-trx-filename "$1.trx" \
    --filter-class Exporter.Tests.Program.WeatherStationTests Exporter.Tests.Cmd.RealProgramTests Exporter.Tests.Webex.WebexProgramTests
}

ready=${1:-$work/ready-to-run} ahead=${2:-$work/ahead-of-time}
[ -n "${1:-}" ] || check "It is published as one file, trimmed and ready to run, without a warning" publish "$ready"
# The registry has no ahead-of-time pack for .NET 10: the same code for .NET 9 is the proof.
[ -n "${2:-}" ] || check "It is published ahead of time without a warning" publish "$ahead" -p:Framework=net9.0 -p:PublishAot=true
for form in ready ahead; do
  check "${!form##*/}: one file of $(megabytes "${!form}/exporter"), and nothing beside it" alone "${!form}"
  check "${!form##*/}: the tests of the program pass" run_tests "${!form##*/}" "${!form}/exporter"
done

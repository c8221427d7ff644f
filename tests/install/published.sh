#!/usr/bin/env bash
# The program in its published forms: the tests of the program, from the first token file to the kill between two renewals, run
# against each. NATIVE=FILE takes a native one that is there.
. "$(dirname "$0")/checks.sh"
needs promtool prometheus clang
published_program
[ -e artifacts/bin/Exporter.Tests/debug/Exporter.Tests ] || quietly dotnet build tests/Exporter.Tests.csproj -v q -nodeReuse:false

passes() { # form file
  EXPORTER=$2 dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx --report-xunit-trx-filename "$1.trx" \
    --filter-class Exporter.Tests.Program.WeatherStationTests Exporter.Tests.Program.MovingOverTests Exporter.Tests.Cmd.RealProgramTests Exporter.Tests.Webex.WebexProgramTests
}
alone() { [ "$(ls "$(dirname "$1")")" = exporter ]; }
small() { [ "$(stat -c %s "$1")" -lt "$2" ]; }
megabytes() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }

check "trimmed and ready to run it is one file of $(megabytes "$published")" small "$published" 50000000
check "with nothing beside it" alone "$published"
check "the tests of the program pass with it" passes ready-to-run "$published"

# The same program compiled ahead of time, without a suppressed trim or ahead-of-time warning.
native=${NATIVE:-$root/artifacts/native/exporter}
compiled() { dotnet publish cmd/exporter -c Release -r linux-x64 -p:PublishAot=true -o artifacts/native -warnaserror -nodeReuse:false; }
[ -n "${NATIVE:-}" ] || check "it compiles to native code without a warning" compiled
check "native it is one file of $(megabytes "$native")" alone "$native"
check "and the tests of the program pass with it" passes native "$native"

#!/usr/bin/env bash
# The program in its published forms: the tests of the program, from the first token file to the kill between two renewals, run
# against each. AHEAD_OF_TIME=FILE takes the one compiled ahead of time that is there.
. "$(dirname "$0")/checks.sh"
needs promtool prometheus
published_program
[ -e artifacts/bin/Exporter.Tests/debug/Exporter.Tests ] || quietly dotnet build tests/Exporter.Tests.csproj -v q -nodeReuse:false

passes() { # form file
  EXPORTER=$2 dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx --report-xunit-trx-filename "$1.trx" \
    --filter-class Exporter.Tests.Program.WeatherStationTests Exporter.Tests.Program.MovingOverTests Exporter.Tests.Cmd.RealProgramTests Exporter.Tests.Webex.WebexProgramTests
}
alone() { [ "$(ls "$(dirname "$1")")" = exporter ]; }
small() { [ "$(stat -c %s "$1")" -lt "$2" ]; }
megabytes() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }

check "trimmed and ready to run it is one file of $(megabytes "$published")" small "$published" 45000000
check "with nothing beside it" alone "$published"
check "the tests of the program pass with it" passes ready-to-run "$published"

# The registry has no ahead-of-time pack for .NET 10: the same code for .NET 9 is the proof.
ahead=${AHEAD_OF_TIME:-$root/artifacts/ahead-of-time/exporter}
compiled() { dotnet publish cmd/exporter -c Release -r linux-x64 -p:Framework=net9.0 -p:PublishAot=true -o artifacts/ahead-of-time -warnaserror -nodeReuse:false; }
[ -n "${AHEAD_OF_TIME:-}" ] || check "it can be compiled ahead of time without a warning" compiled
check "then it is one file of $(megabytes "$ahead")" alone "$ahead"
check "and the tests of the program pass with it" passes ahead-of-time "$ahead"

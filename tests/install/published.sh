#!/usr/bin/env bash
# Runs the tests of the program against each of its published forms. With NATIVE=FILE, the native form exists already.
. "$(dirname "$0")/checks.sh"
needs promtool prometheus clang
published_program
[ -e artifacts/bin/Exporter.Tests/debug/Exporter.Tests ] || quietly dotnet build tests/Exporter.Tests.csproj -v q -nodeReuse:false

passes() { # form file
  EXPORTER=$2 dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx --report-xunit-trx-filename "$1.trx" \
    --filter-class Exporter.Tests.Program.WeatherStationTests Exporter.Tests.Program.MovingOverTests Exporter.Tests.Cmd.RealProgramTests Exporter.Tests.Webex.WebexProgramTests
}
alone() { [ "$(ls "$(dirname "$1")")" = oauth-exporter ]; }
small() { [ "$(stat -c %s "$1")" -lt "$2" ]; }
megabytes() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }

check "the trimmed ReadyToRun program has $(megabytes "$published"), at most 50 MB" small "$published" 50000000
check "it is one file" alone "$published"
check "it passes the tests of the program" passes ready-to-run "$published"

# Native AOT, without suppressed warnings.
native=${NATIVE:-$root/artifacts/native/oauth-exporter}
compiled() { dotnet publish cmd/exporter -c Release -r linux-x64 -p:PublishAot=true -o artifacts/native -warnaserror -nodeReuse:false; }
[ -n "${NATIVE:-}" ] || check "it compiles to native code without a warning" compiled
check "the native program is one file of $(megabytes "$native")" alone "$native"
check "it passes the tests of the program too" passes native "$native"

#!/usr/bin/env bash
# Runs the tests of the program against each of its published forms. With OLD_SYSTEMS=FILE, the form for old systems exists already.
. "$(dirname "$0")/checks.sh"
needs promtool prometheus clang
published_program
built_tests

check "the native program has $(megabytes "$published"), at most 25 MB" small "$published" 25000000
check "it is one file" alone "$published"
check "it needs glibc 2.34" runs_with "$published" 2.34
check "it passes the tests of the program" passes native "$published"

old=${OLD_SYSTEMS:-$root/artifacts/published-old/oauth-exporter}
precompiled() { dotnet publish cmd/exporter -c Release -r linux-x64 -p:PublishAot=false -o artifacts/published-old -warnaserror -nodeReuse:false; }
[ -n "${OLD_SYSTEMS:-}" ] || check "the form for old systems is published without a warning" precompiled
check "it has $(megabytes "$old"), at most 50 MB" small "$old" 50000000
check "it is one file" alone "$old"
check "it needs glibc 2.27" runs_with "$old" 2.27
check "it passes the tests of the program too" passes precompiled "$old"

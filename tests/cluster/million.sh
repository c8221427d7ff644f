#!/usr/bin/env bash
# Measures a replica over 10,000 and over many rows, and over 10,000 readings, for README.md: million.sh [ROWS [EXPORTER]]. Run it as root, and
# build the tests before.
#
# ROWS (1000000)   the number of accounts
# EXPORTER         the program oauth-exporter-cluster to measure; by default, the script publishes it
# CLUSTER_PARAMETERS   parameters to append to the address of the store, such as ?MaxPoolSize=20
# Needs Debian's postgresql-15, and 2 GB in /tmp for a million rows. Listens on loopback addresses only.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${2-}" ]; then
  dotnet publish cmd/cluster -c Release -r linux-x64 -o "$work" -nodeReuse:false -v q
fi
export CI=true TEST_MINUTES=60 EXPORTER_CLUSTER=${2-$work/oauth-exporter-cluster}
measure() { # class heading
  printf '\n| %s | |\n| --- | ---: |\n' "$2"
  artifacts/bin/Exporter.Tests/debug/Exporter.Tests --filter-class "Exporter.Tests.Cluster.$1" --no-progress --show-live-output on |
    grep --line-buffered -E 'OUTPUT|^failed|failed:' | sed 's/^OUTPUT: \[[^]]*\] //'
}
for rows in 10000 "${1:-1000000}"; do
  CLUSTER_ROWS=$rows measure MillionRowsTests "$rows rows"
done
CLUSTER_READINGS=10000 measure ManyReadingsTests "10000 readings"

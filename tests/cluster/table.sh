#!/usr/bin/env bash
# Makes the table of README.md: table.sh [ACCOUNTS [LIFETIME [ROUNDS]]]. Build the tests before.
set -euo pipefail
cd "$(dirname "$0")/../.."
# A test with many rounds takes longer than the limit of the suite.
export CI=true TEST_MINUTES=120 CLUSTER_ACCOUNTS=${1:-10000} CLUSTER_LIFETIME=${2:-400} CLUSTER_ROUNDS=${3:-10}
artifacts/bin/Exporter.Tests/debug/Exporter.Tests --filter-class Exporter.Tests.Cluster.ReplicaFailureTests --no-progress --show-live-output on |
  grep --line-buffered -E 'OUTPUT|^failed|total:|failed:' | sed 's/^OUTPUT: \[Exporter.Tests.Cluster.ReplicaFailureTests.//; s/\]/:/'

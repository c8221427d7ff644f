#!/usr/bin/env bash
# Runs the published program for several machines over a real PostgreSQL, with the configuration of examples/cluster: a start before the database,
# two replicas, an account that a program creates, a failure of the database, and a restart. Then it runs the tests of replicas.
. "$(dirname "$0")/checks.sh"
needs clang curl jq openssl "$postgres_programs/initdb"
published_cluster
built_tests
start_sandbox
first=127.0.0.1:29231 second=127.0.0.1:29232

check "the native program has $(megabytes "$cluster"), at most 31 MB" small "$cluster" 31000000
check "it is one file" alone "$cluster"
check "it needs glibc 2.34" runs_with "$cluster" 2.34
versions() { "$cluster" version | grep "^oauth-exporter-cluster $version (" && "$cluster" --version | grep "^oauth-exporter-cluster $version ("; }
check "it prints its version" versions
helps() { "$cluster" help | grep '^  oauth-exporter-cluster check --config exporter.yml$' && "$cluster" help serve | grep -e '--store URL'; }
check "it prints its help" helps

# The example, with the files that the commands of its README create, and a template of the sandbox.
configuration=$work/cluster/exporter.yml secrets=$work/cluster/secrets
mkdir "$work/cluster"
cp examples/cluster/exporter.yml "$configuration"
creates() {
  awk '/\$ umask 077 && mkdir secrets/ { inside = 1 } inside { sub(/^ *\$ /, ""); print } /cd \.\.$/ { exit }' examples/cluster/README.md |
    grep -v '^sudo chown' | sed "s/…/$(sandbox "Client secret")/" > "$work/commands"
  (cd "$work/cluster" && bash -ec "$(cat "$work/commands")") && cp "$secrets"/* "$work/cluster"
}
check "the commands of the example's README create its secrets" creates
cat >> "$configuration" <<END
  home:
    source: netatmo
    client_id: $(sandbox "Client id")
    client_secret_file: client-secret.txt
    api_url: $(sandbox Address)
END
export EXPORTER_CONFIG=$configuration NETATMO_EXPORTER_EXTERNAL_URL=http://$first
export EXPORTER_STORE="postgres://exporter@127.0.0.1:29230/exporter?sslmode=verify-full&sslrootcert=$work/cluster/ca.crt"
checks_it() { "$cluster" check | grep -x 'The configuration is valid: store 127.0.0.1/exporter, templates fleet (oauth2), home (netatmo).'; }
check "it accepts the configuration of the example" checks_it
# The command fails, and prints only this line.
fails() { # exit-code line command…
  local ended=0
  "${@:3}" > "$work/failure" 2>&1 || ended=$?
  cat "$work/failure"
  [ $ended = "$1" ] && [ "$(wc -l < "$work/failure")" = 1 ] && grep -qE "$2" "$work/failure"
}
check "without a key file, it prints one line with the fix" fails 1 'store.key; create it' env EXPORTER_STORE_KEY_FILE=/nonexistent/store.key "$cluster" check

new_postgres 29230 "$secrets/store-password.txt"
cp "$work/postgres/data/server.crt" "$work/cluster/ca.crt"
replica() { # address
  NETATMO_EXPORTER_ADDR=$1 "$cluster" >> "$work/log" 2>&1 & exporter=$!
}
page() { curl -fsS "http://$1$2"; } # address path
status() { [ "$(curl -sS -o /dev/null -w '%{http_code}' "http://$1$2")" = "$3" ]; } # address path status
no_trace() { ! grep -E '^ +at |Exception' "$work/log"; }

# The database does not run yet.
stop_postgres INT
replica $first
waiting() { grep 'the database cannot be reached' "$work/log"; }
check "without a database it says so" eventually waiting
check "in one line, without a stack trace" no_trace
check "it is alive and not ready" eval "status $first /-/healthy 200 && status $first /-/ready 503"
check "a command ends as a temporary failure, with one sentence" fails 2 'the database cannot be reached: .*; run the command again later$' "$cluster" store rekey
start_postgres
ready() { status "$1" /-/ready 200; }
check "the replica becomes ready when the database accepts connections" eventually ready $first
encrypted() { [ "$(sql exporter "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'exporter'")" = t ]; }
check "its connections are encrypted" encrypted
created() { sql exporter '\dt' | grep '|account|table|exporter$'; }
check "its user owns the tables that it created" created
check "its health check succeeds" env NETATMO_EXPORTER_ADDR=$first "$cluster" health
rejected() { fails 1 'the database rejects the command: password authentication failed' env EXPORTER_STORE_PASSWORD_FILE="$secrets/admin.key" "$cluster" store rekey; }
check "a wrong password is one line with the reason" rejected
first_replica=$exporter
replica $second
check "another replica becomes ready" eventually ready $second

# The account of a program.
call() { # method path [body]
  curl -sS -o "$work/answer" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $(cat "$secrets/admin.key")" -H 'Content-Type: application/json' ${3:+-d "$3"} "http://$first/api/accounts$2"
}
without_key() { [ "$(curl -sS -o /dev/null -w '%{http_code}' -d '{}' -H 'Content-Type: application/json' "http://$first/api/accounts")" = 401 ]; }
check "the API rejects a request without a key" without_key
token=$(refresh_token)
creates_account() { [ "$(call POST '' "{\"name\": \"station-7\", \"template\": \"home\", \"refresh_token\": \"$token\"}")" = 201 ] || { cat "$work/answer"; return 1; }; }
check "with its key, a program creates an account" creates_account
links() { call POST '' '{"name": "truck-7", "template": "fleet"}' && [ "$(call POST /truck-7/login-link)" = 200 ] && jq -r .url "$work/answer" | grep "^http://$first/auth/link"; }
check "and a link for the login of another one" links
scraped() { page "$1" /metrics | has_series netatmo_sensor_temperature_celsius 'account="station-7"'; }
check "a replica reads it and is scraped" eventually scraped $first
check "so is the other replica" eventually scraped $second
check "for one token request" [ "$(counted .endpoints.token.requests)" = 1 ]
# The numbers are read at most every ten seconds.
overview() {
  page $second /metrics > "$work/page"
  has_series exporter_accounts 'source="netatmo"' 'state="active"' < "$work/page" | grep ' 1$' && has_series exporter_accounts 'source="oauth2"' 'state="missing"' < "$work/page" | grep ' 1$' && grep -x 'exporter_store_reachable 1' "$work/page"
}
check "the page has the numbers of all accounts" eventually overview
pages() { page $second / | grep station-7; }
check "the web page lists the account" pages
secret() { ! sql exporter "select encode(token, 'escape') from account where token is not null" | grep -F "$token" && ! grep -F -e "$token" -e "$(cat "$secrets/store-password.txt")" "$work/log"; }
check "neither the rows nor the log contain the token or the password" secret

# A crash of the database.
stop_postgres QUIT
unreachable() { page $second /metrics | grep -x 'exporter_store_reachable 0'; }
check "when the database crashes, the metrics say so" eventually unreachable
check "the last readings stay on the page" scraped $second
check "the replicas stay ready" eval "ready $first && ready $second"
start_postgres
reachable() { page $first /metrics | grep -x 'exporter_store_reachable 1' && page $second /metrics | grep -x 'exporter_store_reachable 1'; }
check "they continue when it accepts connections again" eventually reachable

stop
check "SIGTERM shuts a replica down with 0" [ $ended = 0 ]
exporter=$first_replica
stop
check "and the other one too" [ $ended = 0 ]
replica $second
check "the next replica is scraped with the saved reading" eventually scraped $second
check "without a token request" [ "$(counted .endpoints.token.requests)" = 1 ]
stop
check "the log contains no stack trace" no_trace

replica_tests() {
  EXPORTER_CLUSTER=$cluster dotnet test --project tests/Exporter.Tests.csproj --no-build --results-directory "$root/artifacts/test-results" --report-xunit-trx \
    --report-xunit-trx-filename cluster.trx --filter-class Exporter.Tests.Cluster.ReplicaReadingTests Exporter.Tests.Cluster.ProgramNameTests
}
check "it passes the tests of replicas" replica_tests

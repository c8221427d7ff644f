#!/usr/bin/env bash
# Makes a release of this commit twice, from two clones in different directories, and verifies it as a user does.
#
# PUBLISHED, PUBLISHED_ARM64, OLD_SYSTEMS and OLD_SYSTEMS_ARM64 are programs that exist already; the first release publishes the others. The
# second release uses the programs of the first one, unless FULL=1: then it publishes all of them again.
. "$(dirname "$0")/checks.sh"
needs dpkg-deb gpg jq node npm unzip
checker=tests/peers/release
[ -d $checker/node_modules ] || quietly npm ci --prefix $checker --no-audit --no-fund --silent
clone=$work/clone other=$work/another/directory/clone version=9.0.0-rc.1 made=$work/made again=$work/again
export GNUPGHOME=$work/maintainer GIT_AUTHOR_NAME=Maintainer GIT_AUTHOR_EMAIL=maintainer@example.org
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
clean_up() { for keys in "$work"/maintainer "$work"/user; do gpgconf --homedir "$keys" --kill all 2>/dev/null || true; done; }

# A key without a passphrase, another one that a file contains with its passphrase, and one that has expired.
mkdir -m 700 "$work/maintainer" "$work/user"
new_key() { gpg --batch --quiet --passphrase "$2" --pinentry-mode loopback --quick-generate-key "$1" ed25519 sign "${@:3}" 2>/dev/null; }
new_key maintainer@example.org ''
new_key automation@example.org correct-horse
new_key expired@example.org '' seconds=1
(umask 077; gpg --batch --pinentry-mode loopback --passphrase correct-horse --armor --export-secret-keys automation@example.org > "$work/key.asc")

git clone -q "$root" "$clone"
in_clone() { (cd "$clone" && "$@"); }
# The command fails, and its output contains all these texts.
refused() { # texts -- command…
  local texts=() output
  while [ "$1" != -- ]; do texts+=("$1"); shift; done
  shift
  ! output=$(in_clone "$@" 2>&1) || { echo "it was not refused"; return 1; }
  echo "$output"
  for text in "${texts[@]}"; do grep -qF -- "$text" <<< "$output" || { echo "the message lacks: $text"; return 1; }; done
}

touch "$clone/forgotten"
check "a bad version and a dirty tree are reported together" refused '1.0 is not a version' 'not committed' '(forgotten)' '2 problems' -- packages/release --prepare 1.0
rm "$clone/forgotten"
check "a release needs to be prepared and to have a key" refused "packages/release --prepare $version" "no section" "--key" -- packages/release $version
check "the next version is prepared with one command" in_clone packages/release --prepare $version --date 2026-12-24
committed() { in_clone git status --porcelain | (! grep .) && in_clone git log -1 --format=%s | grep -x "release: $version" && in_clone grep -x "## \[$version\] - 2026-12-24" CHANGELOG.md && in_clone grep -F "<Version>$version</Version>" Directory.Build.props; }
check "this commits the version and the date of the changelog" committed
renamed() { in_clone grep -F "oauth-exporter_${version}_amd64.deb" README.md; }
check "the commands of the README name the new version" renamed
# Locked mode accepts another version of a project, so this compares the files with those that NuGet writes.
rewritten() { in_clone dotnet restore Exporter.sln --force-evaluate && in_clone git diff --exit-code; }
check "the lock files are those that NuGet writes for the new version" rewritten
check "a version is not prepared twice" refused "already has a section" '"## [Unreleased]"' -- packages/release --prepare $version

touch "$clone/forgotten"
check "a dirty tree and an unknown key are reported together" refused '(forgotten)' 'unknown@example.org' '2 problems' -- packages/release $version --key unknown@example.org
rm "$clone/forgotten"
check "another version than that of the commit is refused" refused "has version $version, not 8.0.0" -- packages/release 8.0.0 --key maintainer@example.org
until [ "$(gpg --batch --with-colons --list-keys expired@example.org | awk -F : '$1 == "pub" { print $2 }')" = e ]; do sleep 0.2; done
check "an expired key is refused" refused 'gpg cannot sign with the key expired@example.org' -- packages/release $version --key expired@example.org
check "a key file without its passphrase is refused" refused 'gpg cannot sign with the key' -- packages/release $version --key "$work/key.asc"
check "a file without a key is refused" refused 'contains no secret key' -- packages/release $version --key LICENSE
in_clone git tag v$version HEAD~
check "a tag of another commit is refused" refused "the tag v$version belongs to another commit" -- packages/release $version --key none
in_clone git tag -f v$version HEAD >/dev/null
mkdir -p "$made" && touch "$made/old"
check "a directory with other files is refused" refused 'is not empty' -- packages/release $version --key none --output "$made"
rm "$made/old"

mkdir "$work/programs"
program() { [ -z "$2" ] || ln -s "$(realpath "$2")" "$work/programs/$1"; }
program linux-x64 "${PUBLISHED:-}"
program linux-arm64 "${PUBLISHED_ARM64:-}"
program linux-x64-glibc2.27 "${OLD_SYSTEMS:-}"
program linux-arm64-glibc2.27 "${OLD_SYSTEMS_ARM64:-}"
release() { # directory output
  (cd "$1" && packages/release $version --no-gate --skip-images --programs "$work/programs" --output "$2" --repository https://forge.example/oauth-exporter "${@:3}") > "$work/release" 2>&1 || { cat "$work/release"; return 1; }
}
check "packages/release makes a release, signed with a key of gpg" release "$clone" "$made" --key maintainer@example.org
omissions() { grep -F -- '--no-gate' "$work/release" && grep 'missing: the images' "$work/release"; }
check "it names what the release lacks" omissions
expected() {
  local runtime
  for runtime in x64 arm64; do
    for name in "oauth-exporter-$version-linux-$runtime"{,-glibc2.27}; do echo "$name.tar.gz"; echo "$name.cdx.json"; done
    echo "oauth-exporter_${version}_${runtime/x64/amd64}.deb"
    echo "oauth-exporter-cluster-$version-linux-$runtime.cdx.json"
  done
  for name in Accounts Ergani Ergani.Tokens Metrics Tokens Tokens.Testing Webex Webex.Tokens; do echo "OAuthExporter.$name.$version.nupkg"; echo "OAuthExporter.$name.$version.snupkg"; done
  printf '%s\n' SHA256SUMS SHA256SUMS.asc oauth-exporter-key.asc release-notes.md
}
complete() { diff <(expected | sort) <(ls -A "$made" | sort); }
check "it contains exactly the archives, packages, SBOMs, checksums, signature and notes" complete
notes() { diff <(in_clone packages/release --notes $version) "$made/release-notes.md" && grep '^### ' "$made/release-notes.md" && ! grep '^## ' "$made/release-notes.md"; }
check "the release notes are the changelog's section" notes

# As docs/packages.md describes it, on the machine of a user.
export GNUPGHOME=$work/user
typed() { (cd "$made" && bash -ec "$1"); }
check "the checksums are right" typed 'sha256sum --check --ignore-missing SHA256SUMS'
check "the key can be imported" typed 'gpg --import oauth-exporter-key.asc'
check "the signature is right" typed 'gpg --verify SHA256SUMS.asc SHA256SUMS'
changed() { sed 's/0/1/' "$made/SHA256SUMS" > "$work/changed" && ! gpg --verify "$made/SHA256SUMS.asc" "$work/changed"; }
check "the signature of changed checksums is wrong" changed
only_public() { ! gpg --batch --list-packets "$made/oauth-exporter-key.asc" | grep 'secret'; }
check "the release contains only the public part of the key" only_public
export GNUPGHOME=$work/maintainer

check "the SBOMs conform to the schemas of CycloneDX" node $checker/check.mjs sbom "$made"/*.cdx.json
jq '.components[0].licenses[0].license.id = "no licence"' "$made/oauth-exporter-$version-linux-x64.cdx.json" > "$work/wrong.cdx.json"
mistake() { ! node $checker/check.mjs sbom "$work/wrong.cdx.json"; }
check "the schemas find a mistake" mistake
for name in "oauth-exporter-$version-linux-"{x64,arm64}{,-glibc2.27}; do tar -C "$work" -xzf "$made/$name.tar.gz"; done
same_program() { [ "$(jq -r '.metadata.component.hashes[0].content' "$made/$1.cdx.json")" = "$(sha256sum < "$work/$1/oauth-exporter" | cut -d ' ' -f 1)" ]; }
same_libraries() { diff <(jq -r '.components[] | "\(.name) \(.version)"' "$made/$1.cdx.json" | sort) <(grep -B 1 '^Licence: ' "$work/$1/THIRD-PARTY-NOTICES" | grep -vE '^(Licence: |--$)' | sort); }
for name in "oauth-exporter-$version-linux-"{x64,arm64}{,-glibc2.27}; do
  check "the SBOM of $name contains the checksum of its program" same_program "$name"
  check "and the same libraries as its licence notices" same_libraries "$name"
done
runtime_listed() { jq -e '[.components[] | select(.type == "framework").name] | length == 2 and all(endswith("linux-arm64"))' "$made/oauth-exporter-$version-linux-arm64.cdx.json"; }
check "the SBOM lists the .NET runtime of its architecture" runtime_listed

shared_store() { jq -e '.metadata.component.name == "oauth-exporter-cluster" and any(.components[]; .name == "Npgsql")' "$made/oauth-exporter-cluster-$version-$1.cdx.json"; }
for runtime in linux-x64 linux-arm64; do check "the SBOM of the program for several machines on $runtime lists the client of the database" shared_store $runtime; done

# Beside the intermediate files of the published program lies the list of what its compiler read.
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
compiled() { diff <(jq -r '.components[] | "\(.name)/\(.version)" | ascii_downcase' "$made/$1.cdx.json" | sort) <(grep -oE "${packages%/}/[^/]+/[^/]+" "$2" | sed "s:^${packages%/}/::" | sort -u); }
for runtime in linux-x64 linux-arm64; do
  for project in Exporter Cluster; do
    name=oauth-exporter
    [ $project = Exporter ] || name+=-cluster
    responses=artifacts/obj/$project/release_$runtime/native/$name.ilc.rsp
    [ ! -f $responses ] || check "the SBOM $name-$version-$runtime lists exactly what the compiler read" compiled "$name-$version-$runtime" $responses
  done
done

symbols() { local package; for package in "$made"/*.snupkg; do unzip -Z1 "$package" | grep -x "lib/net10.0/$(basename "$package" ".$version.snupkg" | sed s/OAuth//).pdb" || return 1; done; }
check "every package has its symbols in a package of their own" symbols
described() { local package; for package in "$made"/*.nupkg; do unzip -p "$package" '*.nuspec' | grep -F "url=\"https://forge.example/oauth-exporter\" commit=\"$(in_clone git rev-parse HEAD)\"" || return 1; done; }
check "every package states the repository and the commit" described

git clone -q "$clone" "$other"
if [ "${FULL:-}" = 1 ]; then
  rm "$work/programs"/*
else
  for name in linux-{x64,arm64}{,-glibc2.27}; do ln -sf "$work/oauth-exporter-$version-$name/oauth-exporter" "$work/programs/$name"; done
fi
export RELEASE_KEY_PASSPHRASE=correct-horse
check "a key in a file with a passphrase signs it too, from a clone elsewhere" release "$other" "$again" --key "$work/key.asc"
GNUPGHOME=$work/user gpg --batch --quiet --import "$again/oauth-exporter-key.asc"
check "its signature is right" env GNUPGHOME="$work/user" gpg --batch --verify "$again/SHA256SUMS.asc" "$again/SHA256SUMS"
check "both releases have the same bytes, except key and signature" diff -r -x 'oauth-exporter-key.asc' -x 'SHA256SUMS.asc' "$made" "$again"

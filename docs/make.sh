#!/usr/bin/env bash
# Makes what of the docs can be made, with the real program on the seeded demo:
# the same pictures every time. `make docs` builds bin/sickbay first.
set -euo pipefail
cd "$(dirname "$0")/.."
go test ./tui -run TestDocs -update >/dev/null # keys.md, rollback.svg
pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
./bin/sickbay demo --scenario bad-prompt --look --pictures "$pictures" >/dev/null
cp "$pictures/overview-120x40.svg" docs/overview.svg
cp "$pictures/service-120x40.svg" docs/service.svg
# The demo's log lies in a new folder each time; the picture does not say which.
sed 's#textLength="[0-9.]*"\([^>]*\)>from [^<]*requests.jsonl<#textLength="159.6"\1>from requests.jsonl<#' \
  "$pictures/request-120x40.svg" >docs/request.svg
ls -l docs/*.svg docs/keys.md

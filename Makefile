.DEFAULT_GOAL := help
SHELL         := /bin/bash
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BUILD         := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
SCENARIO      ?= bad-prompt

.PHONY: help build demo test soak bench fuzz golden look docs integration clean

help:        ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build:       ## one static binary: bin/sickbay
	@$(BUILD) -o bin/sickbay ./cmd/sickbay

demo: build  ## the dashboard on a simulated AI stack full of trouble (SCENARIO=quiet|bad-prompt|…)
	@./bin/sickbay demo --scenario $(SCENARIO) --write

test:        ## everything that must hold: format, tidy, vet, staticcheck, tests with the race detector
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'd: $$unformatted"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run $(STATICCHECK) ./...
	go test -race -timeout 25m ./...
	go test -run 'AtEverySize|FillsItsRectangle' ./tui/...
	go test -run 'RollbackOfEveryScenario|WhatDidNotHelp' ./cmd/sickbay

soak:        ## random faults against the engine (SOAK=30m): nothing grows, nothing old is called fresh
	SICKBAY_SOAK=$(or $(SOAK),30m) go test ./engine -run TestSoak -v -timeout 24h

bench:       ## speed and bytes against the budgets of the design
	go test -run '^$$' -bench . -benchmem ./...

fuzz:        ## every parser, 20 s each
	@for pkg in $$(grep -rlE '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz\w+' $$pkg/*_test.go | cut -d' ' -f2); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$pkg || exit 1; done; done

golden:      ## draw the golden screens again (then read the diff)
	go test ./tui/... -update >/dev/null

look: build  ## every view at 80x24 and 120x40, from the seeded demo
	@./bin/sickbay demo --scenario $(SCENARIO) --look

docs: build  ## pictures and key tables of the docs, made by the real program
	@./docs/make.sh

integration: build  ## against a real Prometheus, Alertmanager, Loki, Jaeger, MLflow, Kubernetes API and terminal; says what it skipped
	go test -tags integration -count=1 -v -run Integration ./demo/... ./cmd/... ./rollback ./sources/...

clean:       ## remove what was built
	rm -rf bin

.PHONY: packs-report perf

packs-report: ## which signals the sample lines of every pack fill, and why not the others
	@go run ./cmd/fleet --packs-report

perf: build  ## cost against a real Prometheus with 50 and 500 services (20 min); see docs/performance.md
	@go build -o bin/fleet ./cmd/fleet
	@./bin/fleet --perf --binary bin/sickbay --profile bin

.PHONY: calibrate

calibrate:   ## drift's false alarms and power, measured by simulation (7 min); see docs/drift.md
	@SICKBAY_CALIBRATE=1 go test ./drift -count=1 -timeout 1h -run 'UnchangedData|Shifts|Days|Quiet' -v | grep -v '^=== RUN'

.PHONY: vigil

vigil:       ## six quiet hours; every incident: its first minutes, its rollback, and 14 of each, in simulated time (10 min)
	SICKBAY_QUIET=$(or $(QUIET),6h) SICKBAY_SURVEY=$(or $(SURVEY),14) SICKBAY_LONG=1 go test ./cmd/sickbay -count=1 -run 'SixQuietHours|TrueCauseIsFirst|RollbackOfEveryScenario' -v -timeout 60m

.PHONY: logs-report

logs-report: build ## MB/s per core and RSS of reading 200 MB of request logs, beside lnav and jq where installed; keys while a log grows (2 min)
	@go build -o bin/logload ./cmd/logload
	@./bin/logload --report --size 200 --binary bin/sickbay
	@echo
	@./bin/logload --keys --rate 20 --for 30s --binary bin/sickbay

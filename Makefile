# make check is the gate: CI runs it and nothing else (.ci/run). It ends with go test's own
# summary. The other doors: make test, make soak, make bench, make build, make image.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 5s
export PATH := $(PATH):/usr/sbin

# Tools are built from tools/go.mod, which pins them; they are built again when that file changes.
TOOLS := $(addprefix $(BIN)/,golangci-lint gofumpt benchstat gotestsum)
$(BIN)/golangci-lint: TOOL = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/gofumpt: TOOL = mvdan.cc/gofumpt
$(BIN)/benchstat: TOOL = golang.org/x/perf/cmd/benchstat
$(BIN)/gotestsum: TOOL = gotest.tools/gotestsum

.PHONY: help check test soak bench strangers failures fuzz lint format-check vet generated size \
	needs tools build generate fmt image

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## the gate, and what CI runs: format, vet, lint, generated files, size, fuzz, tests
	@$(MAKE) --no-print-directory format-check vet lint generated size
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory test

test: needs $(BIN)/gotestsum ## install what tests need, run all with -race, list what was skipped and why
	@scripts/test.sh

soak: needs $(BIN)/gotestsum ## the same tests at full length (SOAK=1), and each fuzz target for 5 minutes
	@SOAK=1 scripts/test.sh -timeout 6h
	@scripts/fuzz.sh 5m

bench: needs ## measure the goals and write docs/performance.md, then all benchmarks (SOAK=1: full length)
	@scripts/bench.sh

strangers: ## install public clients (Node, bluelinky, mqtt.js) outside the repository and let them use the simulated clouds and the program
	@scripts/install-strangers.sh
	@go test -count=1 -v ./test/strangers
	@go test -count=1 -v -run MQTTJS ./test/e2e

fuzz: ## run each fuzz target for FUZZTIME (5s)
	@scripts/fuzz.sh $(FUZZTIME)

failures: ## print what happens at each failure: the matrix of faults, and a line for each row of docs/resilience.md
	@scripts/failures.sh

lint: $(BIN)/golangci-lint ## run golangci-lint, import rules included
	@echo "== lint"
	@$(BIN)/golangci-lint run ./...

format-check: $(BIN)/gofumpt
	@scripts/format-check.sh

vet:
	@echo "== vet"
	@go vet ./...

generated: ## fail when go generate would change a file
	@scripts/generated.sh

size: build ## fail when the release binary is not static or exceeds 20 MB
	@scripts/size.sh $(BIN)/bluelink2mqtt

build: ## build the static, stripped binary into bin/
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' \
		-o $(BIN)/bluelink2mqtt ./cmd/bluelink2mqtt

generate: ## regenerate all generated files
	@go generate ./...

fmt: $(BIN)/gofumpt ## format the code
	@git ls-files -co --exclude-standard '*.go' | xargs -r $(BIN)/gofumpt -w

image: ## build the container image (needs a container engine)
	@docker build --build-arg VERSION=$(VERSION) -t bluelink2mqtt:$(VERSION) .

needs: ## install what the tests need from Debian's packages
	@scripts/install-test-needs.sh

tools: $(TOOLS) ## build the pinned tools into bin/

$(TOOLS): tools/go.mod tools/go.sum
	@echo "== building $@ (once)"
	@go -C tools build -trimpath -o ../$@ $(TOOL)

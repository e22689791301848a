# Rinca. `make` lists the targets.
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUILD = go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X rinca/internal/cli.release=$(VERSION)"
FUZZTIME ?= 5s

# The pages are built where there is npm: make build UI= leaves them out.
UI = $(if $(shell command -v npm),internal/web/dist/index.html)

.PHONY: help build demo demo-down test check lint newest fuzz clients generate pages bench soak clean
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(UI) ## bin/rinca: static, reproducible, stamped with the version; the pages in it where there is Node
	$(BUILD) -o bin/rinca .

ui/node_modules/.package-lock.json: ui/package-lock.json
	@PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm --prefix ui ci --ignore-scripts --no-audit --no-fund && touch $@ || \
		echo "the pages are left out: npm cannot fetch what they need" >&2

internal/web/dist/index.html: ui/node_modules/.package-lock.json ui/index.html ui/tsconfig.json ui/vite.config.ts $(shell find ui/src ui/public ui/scripts -type f 2>/dev/null)
	@[ ! -e ui/node_modules/.package-lock.json ] || npm --prefix ui run -s build

demo: build ## the whole workflow: server, vault, Git, stacks that run; stays until demo-down
	@examples/homelab/demo.sh

demo-down: ## remove everything that demo left
	@examples/homelab/demo-down.sh

test: ## what every change must pass; needs Go alone
	go test -vet=off -timeout 20m ./...  # go vet is part of make lint

check: lint build ## the wider checks: lint, race, fuzz smoke, freshness, licences, real clients
	# What drives the program from outside gains nothing from the detector.
	CGO_ENABLED=1 go test -race -timeout 30m $$(go list ./... | grep -v -e /internal/scenario -e /enginetest)
	$(MAKE) newest fuzz generate clients pages
	git diff --exit-code -- docs/reference
	go run ./tools/licences
	tools/reproducible
	bench/soak 3m

newest: ## the engine's tests against the newest Docker Engine that Debian has
	@dockerd=$$(tools/engine newest) || { echo "left out: no newer engine can be had here"; exit 0; }; \
	RINCA_TEST_DOCKERD=$$dockerd go test -timeout 20m ./internal/deploy/compose

lint: ## golangci-lint with .golangci.yml
	go run $(GOLANGCI) run ./...

fuzz: ## every fuzz target for FUZZTIME (5s)
	tools/fuzz $(FUZZTIME)

clients: ## the public clients of Connect and op, against the real binary
	test/clients/run

generate: ## docs/reference from the lists the program uses
	go run . reference docs/reference

pages: ## the pages: types, components, sizes, licences, and a browser against the real server
	tools/ui check
	tools/ui journeys

bench: build ## one JSON line per benchmark: ours, theirs, ratio
	bench/run

soak: ## the long fault tests: every bit, 300 kills
	RINCA_SOAK=1 go test -timeout 60m ./...

clean: ## remove what make built
	rm -rf bin dist .cache ui/node_modules ui/shots ui/test-results
	find internal/web/dist -mindepth 1 ! -name .keep -delete

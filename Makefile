# Rinca. `make` lists the targets.
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD = -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X rinca/internal/cli.release=$(VERSION)"

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/rinca: static, reproducible, stamped with the version
	go build $(GOFLAGS_BUILD) -o bin/rinca .

.PHONY: test
test: ## everything a change must pass; needs Go alone
	go vet ./...
	go test ./...

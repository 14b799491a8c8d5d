# The commands of the project. Arguments go through: make test ARGS="-E 'test(presign)'"
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run web test bench release fmt

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: ## Build and start the server (ARGS are added to `strongroom serve`), with its pages where npm is
	@[ -d web/admin/dist ] || ! command -v npm >/dev/null || $(MAKE) --no-print-directory web
	cargo run -- serve $(ARGS)

web: ## Build the pages (needs Node.js and npm); the next build of the binary carries them
	cd web && npm ci && npm run build
	touch src/ui/pages.rs

test: ## Check format and lints, run every test; installs what the tests need when it is missing
	scripts/test $(ARGS)

bench: ## Measure on a release build
	cargo bench --bench load -- $(ARGS)

release: ## Build target/release/strongroom
	cargo build --release

fmt: ## Format the code
	cargo fmt

# SPDX-License-Identifier: MIT
# The front door, thin over CMake presets. `make help` lists what there is.

PRESET ?= default
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 20

cmake_build = cmake --preset $(1) >/dev/null && cmake --build --preset $(1) --parallel $(JOBS)

.DEFAULT_GOAL := help
.PHONY: help demo test unit build install bench fuzz asan tsan tidy format format-check docs rfc setup clean

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'
	@echo
	@echo "Settings: PREFIX=$(PREFIX) JOBS=$(JOBS) PRESET=$(PRESET) FUZZ_SECONDS=$(FUZZ_SECONDS)"

demo: ## Install what is missing, build, serve and fetch over HTTP/3, verify
	@scripts/setup.sh build
	@$(call cmake_build,$(PRESET)) --target package_files
	@scripts/demo.sh build/bin

test: ## Install what is missing, build, run every test (peers from Debian included)
	@scripts/setup.sh build test interop
	@$(call cmake_build,$(PRESET))
	@ctest --preset $(PRESET)

unit: build ## Run the tests that need no network and no peers
	@ctest --preset $(PRESET) -L 'unit|scenario|tree'

build: ## Install what is missing and build everything
	@scripts/setup.sh build
	@$(call cmake_build,$(PRESET))

install: ## Install into PREFIX
	@$(call cmake_build,$(PRESET)) --target package_files
	@cmake --install build --prefix "$(PREFIX)"

bench: ## Measure, beside ngtcp2's own programs, nginx and Caddy (BENCH_ARGS=--quick, --help)
	@scripts/setup.sh build bench
	@$(call cmake_build,bench)
	@bench/run.py $(BENCH_ARGS)

fuzz: ## Run every fuzzer for FUZZ_SECONDS, from its corpus
	@scripts/setup.sh build lint
	@cmake --preset asan >/dev/null && cmake --build --preset fuzz --parallel $(JOBS)
	@JOBS=$(JOBS) scripts/fuzz.sh build-asan $(FUZZ_SECONDS)

asan: ## Run the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup.sh build lint
	@$(call cmake_build,asan)
	@ctest --preset asan

tsan: ## Run the tests under ThreadSanitizer
	@scripts/setup.sh build
	@$(call cmake_build,tsan)
	@ctest --preset tsan

tidy: ## Lint with clang-tidy-19 (TIDY_PATHS="lib examples": only these)
	@scripts/setup.sh build lint
	@cmake --preset $(PRESET) >/dev/null
	@scripts/tidy.sh build $(TIDY_PATHS)

format: ## Format the sources with clang-format-19
	@scripts/format.sh

format-check: ## Fail when a source is not formatted
	@scripts/format.sh --check

docs: ## Build the site into site/, strictly
	@scripts/setup.sh docs
	@scripts/docs.sh

rfc: ## Write the citations of RFCs in the code into docs/rfc.md
	@scripts/rfc.py

setup: ## Install everything that any of these needs
	@scripts/setup.sh build test lint docs bench interop

clean: ## Remove the build trees (fetched dependencies stay in .deps)
	@rm -rf build build-bench build-dev build-asan build-tsan site

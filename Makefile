# SPDX-License-Identifier: Apache-2.0
# Short names for what CMake, ctest and the scripts in tools/ do. `make help` lists them.

PRESET ?= release
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
BUILD := $(if $(filter release,$(PRESET)),build,build-$(PRESET))

.PHONY: build deps deps-dev run test clients test-services bench install format lint sanitize fuzz clean help

build: deps             ## build everything; the binary is build/chert
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

deps:                   ## install the Debian packages the build needs, if any is missing
	@tools/install_deps.sh

deps-dev:               ## the same, with the tools that lint, format and fuzz
	@tools/install_deps.sh --dev

run: deps               ## build the binary, generate a small data set, run the programs on it, show results and speed
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target chert
	@tools/run_programs.sh $(BUILD)

test: clients build     ## run every test, or those under T=path (a test, a file or a folder)
	@tools/run_tests.sh $(BUILD) $(T)

clients: deps           ## make the private Python of the client tests (PySpark, pytest), where it is missing
	@tools/client_python.sh $(BUILD)

test-services: build    ## run the tests that talk to real outside services
	@tools/run_service_tests.sh $(BUILD)

bench: build            ## measure side by side with other engines, print ratios
	@bench/run.sh

install: build          ## install binary, library, headers and pkg-config file under PREFIX
	@cmake --install $(BUILD) --prefix $(PREFIX)

format: deps-dev        ## lay out every C file with clang-format
	@tools/lint.sh --format

lint: deps-dev build    ## clang-format, clang-tidy, cppcheck and the order of rooms: all must be silent
	@tools/lint.sh $(BUILD)

sanitize: deps          ## run the tests under ASan with UBSan, then under TSan
	@tools/sanitize.sh

fuzz: deps-dev          ## fuzz each reader of untrusted input, FUZZ_SECONDS (60) each
	@tools/fuzz.sh $(FUZZ_SECONDS)

clean:                  ## remove every build folder
	rm -rf build build-debug build-asan build-tsan build-clang build-fuzz

help:                   ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

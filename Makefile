# Everything begins here. Each command installs what is missing first: see scripts/install-tools.

# The same for every debug build, so that `lint` and `test` share one and nothing is built twice.
DEBUG_FLAGS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests

# Hundreds of tests start servers of their own; all at once they would only wait for each other.
TESTS_AT_ONCE := 2

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo build test faults lint format install-tools clean

help:
	@echo 'make demo           build Weir and watch it work: everything runs on this machine, nothing costs money'
	@echo 'make test           build everything and run all tests'
	@echo 'make faults         kill, stop, cut and fill up everything, and print what was measured (docs/faults.md)'
	@echo 'make lint           check format, warnings, imports and the module map'
	@echo 'make format         bring the sources into the format'
	@echo 'make build          build .build/release/weir'
	@echo 'make install-tools  install what the others need'
	@echo 'make clean          remove everything that was built'

# `exec`, so that Ctrl-C ends weir itself, which ends what it started.
demo: build
	@exec .build/release/weir dev --demo

build: install-tools
	swift build -c release --product weir

test: install-tools
	swift build --build-tests $(DEBUG_FLAGS)
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) swift test --skip-build --disable-xctest $(DEBUG_FLAGS)

# The same tests of faults that `make test` runs, repeated more often, as a table. ONLY="F-R4 F-R5": some of them.
faults: install-tools
	swift build --build-tests $(DEBUG_FLAGS)
	scripts/faults $(ONLY)

# Warnings are errors by the manifest, so building is checking. What was resolved is known after the build.
lint: install-tools
	swift format lint --strict --recursive $(SOURCES)
	swift build --build-tests $(DEBUG_FLAGS)
	scripts/check-module-map

format:
	swift format --in-place --recursive $(SOURCES)

install-tools:
	@scripts/install-tools

clean:
	rm -rf .build

# Everything begins here. Each command installs what is missing first: see scripts/install-tools.

# The same for every debug build, so that `lint` and `test` share one and nothing is built twice.
DEBUG_FLAGS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests

# Hundreds of tests start servers of their own; all at once they would only wait for each other.
TESTS_AT_ONCE := 2

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo build test faults lint format install install-tools install-test-tools deb clean

help:
	@echo 'make demo           build Weir and watch it work: everything runs on this machine, nothing costs money'
	@echo 'make test           build everything and run all tests'
	@echo 'make faults         kill, stop, cut and fill up everything, and print what was measured (docs/faults.md)'
	@echo 'make lint           check format, warnings, imports and the module map'
	@echo 'make format         bring the sources into the format'
	@echo 'make build          build .build/release/weir'
	@echo 'make install        put weir and its completions below PREFIX (/usr/local)'
	@echo 'make deb            make a Debian package in .build/deb'
	@echo 'make install-tools  install what the others need'
	@echo 'make clean          remove everything that was built'

# `exec`, so that Ctrl-C ends weir itself, which ends what it started.
demo: build
	@exec .build/release/weir dev --demo

build: install-tools
	swift build -c release --product weir

test: install-test-tools
	swift build --build-tests $(DEBUG_FLAGS)
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) swift test --skip-build --disable-xctest $(DEBUG_FLAGS)

# The same tests of faults that `make test` runs, repeated more often, as a table. ONLY="F-R4 F-R5": some of them.
faults: install-test-tools
	swift build --build-tests $(DEBUG_FLAGS)
	scripts/faults $(ONLY)

# Warnings are errors by the manifest, so building is checking. What was resolved is known after the build.
lint: install-tools
	swift format lint --strict --recursive $(SOURCES)
	swift build --build-tests $(DEBUG_FLAGS)
	scripts/check-module-map

format:
	swift format --in-place --recursive $(SOURCES)

# What `make build` made. DESTDIR: below another root.
PREFIX := /usr/local
install:
	install -D --mode 755 .build/release/weir $(DESTDIR)$(PREFIX)/bin/weir
	scripts/install-completions .build/release/weir $(DESTDIR)$(PREFIX)/share

# With the toolchain's runtime linked in, which asks for a build of its own: it must run where there is no toolchain.
deb: install-tools
	swift build -c release --product weir --static-swift-stdlib --scratch-path .build/static
	scripts/make-deb .build/static/release/weir .build/deb

install-tools:
	@scripts/install-tools

install-test-tools:
	@scripts/install-tools --for-tests

clean:
	rm -rf .build

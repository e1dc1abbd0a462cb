# podpy: `make help` lists the targets. Everything is idempotent; the second run is quick.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PREFIX ?= /usr/local
VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest

.PHONY: help setup setup-test install demo demo-down images test lint unit host vm soak soak-killed bench docs clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install the Debian packages that are missing, and podpy into .venv
	@tools/system-packages run
	@tools/python-environment fast,sops

setup-test:
	@tools/system-packages run test
	@tools/python-environment fast,sops,apprise,dev

install: setup ## put the command `podpy` into /usr/local/bin (PREFIX=/usr/local)
	@$(VENV)/python tools/write_launcher.py $(PREFIX)/bin/podpy

images: install ## build the demo images from Debian packages, no registry; load them
	@tools/system-packages images
	@images=$$($(VENV)/python -m tools.demo_images) && \
	for image in $$images; do $(PREFIX)/bin/podpy image pull $$image || exit; done

demo: images ## set up, apply examples/shop, show the page and the data it serves
	@PODPY=$(PREFIX)/bin/podpy examples/shop/demo up

demo-down: ## remove what `make demo` made, its volume included
	@PODPY=$(PREFIX)/bin/podpy examples/shop/demo down

test: setup-test lint ## set up and run every check and test (not the virtual machine's)
	@$(PYTEST) -m "not vm"

lint: setup-test ## formatting, lint, types and import contracts
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

unit: setup-test ## tests that touch no kernel: no root needed
	@$(PYTEST) tests/unit

host: setup-test ## tests with real containers, networks and mounts: root
	@$(PYTEST) tests/host

vm: setup-test ## tests in a virtual Debian 13 with systemd and cgroup v2: minutes
	@tools/system-packages vm
	@$(PYTEST) -m vm tests/vmhost

soak: setup-test ## play, break and remove pods for ten minutes, then look for what is left
	@$(VENV)/python -m benchmarks.soak --minutes 10

soak-killed: setup-test ## kill podpy at every effect of every command that tests kill it in: two hours
	@PODPY_KILL_POINTS=all $(PYTEST) --timeout 0 -k killed tests/host

bench: setup-test ## measure podpy beside Podman 5.4, then the agent, and print both
	@$(VENV)/python -m benchmarks.run
	@$(VENV)/python -m benchmarks.loop

docs: setup-test ## write docs/commands.md anew from the parsers
	@mkdir -p docs && $(VENV)/python -m tools.command_reference > docs/commands.md

clean: ## remove .venv and the tools' caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

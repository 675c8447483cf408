# `make lab`: a provisioned, verified lab fleet. `make test`: everything that is tested. Both do all set-up.
.DEFAULT_GOAL := help
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Molecule and ansible-compat key what they keep by the checkout's base name unless they are told where.
export ANSIBLE_HOME := $(CURDIR)/.ansible
# Set by some container images; it makes Ansible's pipelining slower than none.
unexport PYTHONUNBUFFERED

.PHONY: help setup lab lab-down test lint unit apt-world collection report molecule rollout drift restore faults stacks \
  os-upgrade self-converge docs lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## Install what is missing on this machine and make .venv
	@scripts/setup

lab: setup ## Bring up the lab, provision it, verify it
	rdna1 lab up
	ansible-playbook playbooks/rdna1.yml -i inventories/lab

lab-down: setup ## Remove the lab
	rdna1 lab down

test: setup lint unit apt-world collection report molecule ## Run every test

lint: setup ## Lint and type-check; no rule is skipped
	ruff check
	ruff format --check
	mypy
	yamllint --strict .
	ansible-lint
	rdna1 docs --check

unit: setup ## Test the pure parts
	pytest tests/unit -n auto

apt-world: setup ## Prove with apt's own solver what happens on Ubuntu and Debian hosts
	pytest tests/apt_world -n auto --dist loadgroup

collection: setup ## Build the collection, install it elsewhere, run it from there
	pytest tests/collection

report: setup ## Open the report of a run in a real browser
	@scripts/setup browser
	pytest tests/report

rollout: setup ## Slow: drive rollouts with real Ansible, and kill them at random moments
	pytest tests/rollout/test_standin.py

drift: setup ## Slow: break every managed thing on a lab of its own, see it named and repaired
	pytest tests/drift --batches 0

restore: setup ## Slow: take a lab host forward, back and away again, and compare all of it
	@trap 'rdna1 lab down --name restore' EXIT; \
	rdna1 lab up --name restore --hosts 2 && RDNA1_LAB=restore pytest tests/restore

faults: setup ## Slow: put faults over a lab host, heal it, write docs/reliability.md
	@trap 'rdna1 lab down --name faults' EXIT; \
	rdna1 lab up --name faults --hosts 2 && pytest tests/faults --lab faults && python tests/faults/table.py

stacks: setup ## Slow: another stack and back, stacks beside each other, qualify, on a lab host
	@trap 'rdna1 lab down --name stacks' EXIT; \
	rdna1 lab up --name stacks --hosts 4 && RDNA1_LAB=stacks pytest tests/stacks

os-upgrade: setup ## Slow: upgrade a Debian 12 lab host to 13, cut off on the way, and have it repaired
	molecule test --no-command-borders --scenario-name os_upgrade

self-converge: setup ## Slow: a lab host that repairs itself from a signed release
	@trap 'rdna1 lab down --name self-converge' EXIT; \
	rdna1 lab up --name self-converge --hosts 2 && RDNA1_LAB=self-converge pytest tests/self_converge

molecule: setup ## Provision containers from nothing and ask them what they have
	molecule test --no-command-borders --scenario-name default

docs: setup ## Write what is generated from the roles
	rdna1 docs

lock: setup ## Resolve requirements.in into requirements.txt, with hashes
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  requirements.in --output-file requirements.txt

clean: setup ## Remove the lab, its images and caches, and .venv
	rdna1 lab down --purge
	rm -rf .venv .ansible .cache .lab .mypy_cache .pytest_cache .ruff_cache .hypothesis

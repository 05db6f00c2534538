# The commands of this project. `make help` lists them.
PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Without bytecode, every command and every Pulumi program compiles megabytes of the SDKs again, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up deliver train predict rollback release status env mlflow down plan adopt destroy leftovers test test-nightly test-fast check bench versions preflight lock bump generate environment

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: environment ## bare machine (or KUBE_CONTEXT) -> platform, trained model, served prediction
	@$(PYTHON) -m local up

deliver: environment ## after `make up`: Git host, registry, Argo CD and Argo Events, and a push of the example delivered into production; REMOVE=1 takes them away
	@$(PYTHON) -m local deliver $(if $(REMOVE),--remove)

train: environment ## run the example's training pipeline now; KEY=path/in/bucket trains on other data
	@$(PYTHON) -m local train $(if $(KEY),--data-key "$(KEY)")

predict: environment ## ask the example endpoint for a prediction through the gateway
	@$(PYTHON) -m local predict

rollback: environment ## the endpoint back to the version before, or VERSION=…; it is held there until `make release`
	@$(PYTHON) -m local rollback $(if $(VERSION),--version "$(VERSION)")

release: environment ## let the training pipeline move the endpoint again
	@$(PYTHON) -m local release

status: environment ## what runs and what does not (then it fails), the endpoint's version, the last and the next run
	@$(PYTHON) -m local status

env: environment ## variables for kubectl and pulumi on this platform: eval "$(make env)"
	@$(PYTHON) -m local env

mlflow: environment ## MLflow in your browser, signed in, at http://localhost:5001 (PORT=…), until Ctrl-C
	@$(PYTHON) -m local mlflow $(if $(PORT),--port "$(PORT)")

down: environment ## remove everything that `make up` started, and check that nothing stays
	@$(PYTHON) -m local down

plan: environment ## what `pulumi up` would change in each local stack; STACK=foundation-dev plans that one, without an account
	@$(PYTHON) -m local plan $(if $(STACK),--stack "$(STACK)")

preflight: environment ## before a first `up`, what an AWS account lacks for a stack: STACK=foundation-dev
	@$(PYTHON) -m local preflight "$(STACK)"

adopt: environment ## from a Terraform state, what `pulumi import` takes over: STATE=terraform.tfstate BUCKETS="data=NAME" STACK=foundation-dev
	@$(PYTHON) -m local adopt $(STATE) $(if $(STACK),--stack "$(STACK)") $(addprefix --bucket ,$(BUCKETS))

destroy: environment ## delete a stack on AWS: STACK=foundation-dev; KEEP_DATA=1 keeps what is protected, YES=1 does not ask
	@$(PYTHON) -m local destroy "$(STACK)" $(if $(KEEP_DATA),--keep-data) $(if $(YES),--yes)

leftovers: environment ## what prevents a stack on AWS from being deleted: STACK=foundation-dev
	@$(PYTHON) -m local leftovers "$(STACK)" $(if $(KEEP_DATA),--keep-data)

test: environment ## every tier of tests that this machine can run, and which it could not
	@$(PYTHON) -m local prepare
	@$(PYTHON) -m pytest -m "not cluster" --numprocesses 2 --dist loadfile
	@$(PYTHON) -m pytest -m "cluster and not nightly"

test-nightly: environment ## what takes too long for every change: bad days of a delivery on this machine's platform
	@$(PYTHON) -m local prepare
	@$(PYTHON) -m pytest -m nightly

test-fast: environment ## the tests that need Python alone: no Pulumi CLI, no servers, no cluster
	@$(PYTHON) -m pytest -m "not engine and not servers and not cluster" --numprocesses 2 --dist loadfile

check: environment ## formatting, lint, types, generated files
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/basedpyright
	@$(PYTHON) -m maintenance.generate --check

bench: environment ## measure the numbers of docs/benchmarks.md again
	@$(PYTHON) -m bench

versions: environment ## every version that the library installs, why it is this one, and what has ended
	@$(PYTHON) -m pulumi_mlops.cli versions

bump: environment ## change one pin and what depends on it: PIN=CERT_MANAGER VERSION=v1.21.3
	@$(PYTHON) -m maintenance.bump "$(PIN)" "$(VERSION)"

generate: environment ## make every generated file again: locks, data, recordings, snapshots, costs, pictures
	@$(PYTHON) -m maintenance.generate

lock: environment ## compile requirements/*.txt from pyproject.toml
	@$(PYTHON) -m maintenance.locks compile

environment:
	@sh local/environment.sh

# Postern's house-keeping. `make` alone lists what can be done; CI runs `make ci` and nothing else.

GO      ?= go
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Debian's packages for `make deps`: the real mail server, the checker of signatures, the browser and the database of
# some tests, a C compiler for -race, and what fetches from npm, at pinned versions, the language server by which editors
# read our schemas, the checker of the pages' accessibility and the client library of coreBOS.
PACKAGES := exim4-daemon-light python3-dkim chromium fonts-liberation postgresql gcc libc6-dev nodejs npm
FROM_NPM := tools/editor/node_modules/.package-lock.json tools/axe/node_modules/.package-lock.json \
	tools/wslib/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build demo deps test race whole fuzz model lint bench microbench smoke scanners chaos generate verify timing flood ci

# Of `make chaos`: how often the program is killed, which scenarios (all if empty), the seed, and KEEP=1 for the folders.
ROUNDS   ?= 5
SCENARIO ?=
SEED     ?=
KEEP     ?=

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/postern: static, reproducible, stamped with its version
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/postern ./cmd/postern

demo: ## try Postern: everything in one process, nothing leaves this machine
	@$(GO) build -o bin/postern ./cmd/postern && exec bin/postern demo

deps: ## install from Debian and npm what some tests need (root; quick when all is there)
	@command -v dpkg-query >/dev/null || { \
		echo "make deps knows Debian's packages only; please install by hand: $(PACKAGES)"; exit 1; }; \
	missing=; for p in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || command -v $$p >/dev/null || \
		missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || { echo "deps: all installed"; exit 0; }; \
	[ "$$(id -u)" = 0 ] || { echo "deps: missing$$missing; installing needs root: sudo make deps"; exit 1; }; \
	echo "deps: installing$$missing"; export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq && apt-get install -qq -y --no-install-recommends $$missing >/dev/null
	@$(MAKE) -s --no-print-directory $(FROM_NPM)

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --silent --no-audit --no-fund

test: ## every test; one whose peer program is missing is skipped, and listed at the end
	@skips=$$(mktemp); trap 'rm -f "$$skips"' EXIT; status=0; \
	POSTERN_SKIPS="$$skips" $(GO) test -timeout 20m ./... || status=$$?; \
	echo "skipped $$(grep -c . "$$skips") tests for missing peers"; sort "$$skips" | sed 's/^/  /'; \
	exit $$status

# The database is C turned into Go, and it locks by itself: watched, it takes four times as long as all of our own. Its
# driver is watched, and so is whatever we hand to it.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory

race: ## every test under the race detector
	$(GO) test -race -timeout 20m $(UNWATCHED:%=-gcflags=%=-race=false) ./...

whole: ## the models that run fewer cases under the race detector, in full
	$(GO) test -timeout 20m ./engine ./internal/crm ./internal/store ./links ./portal

model: ## 100,000 random requests at the desk and at the gate of random portals, beside oracles: four minutes
	$(GO) test -count 1 -timeout 20m -run TestDeskAgainstAModel ./portal -rapid.checks=4000
	$(GO) test -count 1 -timeout 20m -run TestGateAgainstAModel ./portal -rapid.checks=2000

# Each target gets an equal share of FUZZTIME. FUZZ narrows the choice: FUZZ=exprsafe, FUZZ=FuzzLoad. The go command
# calls it a failure when the time ends within an input.
FUZZTIME ?= 30s
FUZZ     ?= .
fuzz: ## every Fuzz target, for FUZZTIME=30s together; FUZZ=exprsafe for some; a finding is a failure
	@targets=$$(grep -r --include='*_test.go' -oE '^func Fuzz\w+' . | sed 's,/[^/]*:func ,:,' | grep -e '$(FUZZ)' | sort); \
	[ -n "$$targets" ] || { echo "fuzz: no target is like $(FUZZ)"; exit 1; }; \
	share=$$(echo '$(FUZZTIME)' | awk -v n=$$(echo "$$targets" | wc -l) \
		'/^[0-9]+[sm]$$/ { s = $$1 + 0; if (/m$$/) s *= 60; s = int(s / n); print s < 2 ? 2 : s }'); \
	[ -n "$$share" ] || { echo "fuzz: FUZZTIME is a time such as 30s or 10m"; exit 1; }; \
	status=0; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; for t in $$targets; do echo "fuzz $$t $${share}s"; \
		$(GO) test -run '^$$' -fuzz "^$${t#*:}\$$" -fuzztime $${share}s -fuzzminimizetime 2s -parallel 2 \
			"$${t%%:*}" >"$$log" 2>&1 && { tail -n 1 "$$log"; continue; }; cat "$$log"; \
		grep -q 'context deadline exceeded' "$$log" && ! grep -q 'Failing input' "$$log" \
			&& { echo "fuzz: the time was over within an input, which is no finding"; continue; }; status=1; \
	done; exit $$status

lint: ## golangci-lint, pinned in tools/go.mod; the rules and their reasons are in .golangci.yml
	$(LINT) run

bench: build ## the figures beside their floors, then the benchmarks; BENCH=w1mail for one, PROFILE=cpu.out with it
	$(GO) build -o bin/bench ./bench
	bin/bench -postern bin/postern $(if $(BENCH),-only $(BENCH)) $(if $(PROFILE),-profile $(PROFILE))
	@[ -n "$(BENCH)" ] || $(MAKE) --no-print-directory microbench

microbench: ## the benchmarks of every package that has some
	@dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -r -n 1 dirname | sort -u); \
	[ -n "$$dirs" ] || { echo "no benchmarks yet"; exit 0; }; \
	$(GO) test -run '^$$' -bench . -benchmem $$dirs

smoke: build ## 1,000 events through the built program, mails and links counted from outside
	$(GO) run ./internal/smoke -postern bin/postern

# Of `make scanners`: how many links.
LINKS ?= 200

scanners: build ## mail scanners, then people, at the built program's door: LINKS=40
	@$(GO) run ./internal/scanners -postern bin/postern -links $(LINKS)

chaos: build ## break the built program in every way: ROUNDS=100, SCENARIO=kill_send, SEED=7, KEEP=1
	@$(GO) run ./internal/chaos -postern bin/postern -rounds $(ROUNDS) $(SCENARIO:%=-scenario %) $(SEED:%=-seed %) \
		$(KEEP:%=-keep)

# Of `make timing`: how many requests of each class. With 2,000 it takes half an hour.
SAMPLES ?= 2000

timing: ## whether the time of an answer of the portal tells names apart: SAMPLES=2000 of each class
	POSTERN_TIMING=$(SAMPLES) $(GO) test -count 1 -timeout 90m -v -run TestT51TimesTellNothing ./cmd/postern

# Of `make flood`: how many password forms at once.
FORMS ?= 500

flood: ## password forms at once, and how long pages take meanwhile: FORMS=500
	POSTERN_FLOOD=$(FORMS) $(GO) test -count 1 -timeout 10m -v -run TestT59 ./cmd/postern

generate: ## rewrite the generated files
	$(GO) generate ./...

# tidy needs -e: a test dependency of a dependency cannot be fetched, which is no fault of this module.
verify: ## fail if generated files or go.mod are stale, or a module is not what go.sum says
	@tree() { git ls-files -co --exclude-standard -z | xargs -0 cksum 2>/dev/null; }; \
	before=$$(tree); [ -n "$$before" ] || { echo "verify: this is not a git work tree"; exit 1; }; \
	$(GO) generate ./... || exit 1; \
	[ "$$before" = "$$(tree)" ] || { \
		git status --short; echo "verify: generated files were stale: look at them and commit"; exit 1; }
	@$(GO) mod tidy -e -diff 2>/dev/null || { echo "verify: go.mod is stale: go mod tidy -e"; exit 1; }
	@$(GO) mod verify

ci: export POSTERN_REQUIRE = 1
ci: LINKS = 40
ci: deps lint verify build smoke scanners chaos fuzz whole race ## all of the above that proves something; a missing peer is a failure

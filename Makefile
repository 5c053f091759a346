# make            build/aldd, build/aldctl, build/aldsim, build/aldweb, manual pages in build/man
# make test       everything; installs what it needs first
# make demo       the reference process on the simulated tool
# make help       the rest

BUILD    ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
SANITIZE ?=
PYTHON   ?= /usr/bin/python3
JOBS     ?= $(shell nproc 2>/dev/null || echo 2)

# sodium and systemd serve the programs only; the ring test says who may include what.
PKGS     := libmodbus libevent libevent_pthreads sqlite3 yaml-0.1 jansson libsodium libsystemd libarchive ncursesw
WARN     := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith -Wcast-qual
CSTD     := -std=c11
OPT      ?= -O2 -g -ffp-contract=off -fno-strict-aliasing
# A stack protector belongs to every build; the sanitizers bring checks of their own.
SANFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all,-fstack-protector-strong)
LDFLAGS  += -Wl,--as-needed -Wl,-z,relro -Wl,-z,now
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKGLIBS  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CHECKFLAGS := $(shell pkg-config --cflags check 2>/dev/null)
CHECKLIBS := $(shell pkg-config --libs check 2>/dev/null)
POSIX    := -D_GNU_SOURCE -pthread
# The pure rings are strict ISO C: no POSIX feature macro, no library's headers.
PURE     := base core link sim
OUTER    := file bus store control app
COMPILE   = $(CC) $(CSTD) $(WARN) $(OPT) $(SANFLAGS) -Iinclude -MMD -MP

ring-objs = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/$(1)/*.c))
PROGRAMS := $(addprefix $(BUILD)/,aldd aldctl aldsim aldweb)
MAINS    := $(patsubst $(BUILD)/%,$(BUILD)/obj/app/%.o,$(PROGRAMS))
LIBOBJS  := $(filter-out $(MAINS),$(foreach r,$(PURE) $(OUTER),$(call ring-objs,$(r)))) $(BUILD)/obj/app/web_data.o
# The page's files, which become part of aldweb.
WEBFILES := $(sort $(wildcard src/app/web/*))
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
UNITHELP := $(patsubst tests/unit/%.c,$(BUILD)/tests/obj/%.o,$(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)))

# One short line a file; V=1 shows the commands.
say       = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.PHONY: all
all: $(PROGRAMS) manual

# ---- Stamps: files that change only when what they hold changes, so that objects follow flags, not clocks. ----
.PHONY: FORCE
FORCE:
stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@

$(BUILD)/flags: FORCE
	@pkg-config --exists --print-errors $(PKGS) || { echo "Missing libraries: run tests/install-deps.sh" >&2; exit 1; }
	$(call stamp,$(shell $(CC) -dumpfullversion -dumpversion 2>/dev/null) $(COMPILE) $(POSIX) $(PKGFLAGS) $(CHECKFLAGS) $(LDFLAGS) $(PKGLIBS))
$(BUILD)/objects: FORCE
	$(call stamp,$(LIBOBJS))
# Only version.o knows the version: a commit recompiles one file.
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
$(BUILD)/version: FORCE
	$(call stamp,$(VERSION))

# ---- Objects ----
define ring-rule
$(BUILD)/obj/$(1)/%.o: src/$(1)/%.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(COMPILE) $(2) -c $$< -o $$@
endef
$(foreach r,$(PURE),$(eval $(call ring-rule,$(r),)))
$(foreach r,$(OUTER),$(eval $(call ring-rule,$(r),$$(POSIX) $$(PKGFLAGS) $$(DEFINES))))

$(BUILD)/obj/app/version.o: $(BUILD)/version
$(BUILD)/obj/app/version.o: DEFINES = -DALD_VERSION='"$(VERSION)"'

# Every file as an array of bytes; C knows no empty one.
$(BUILD)/webfiles: FORCE
	$(call stamp,$(WEBFILES))
$(BUILD)/gen/web_data.c: $(WEBFILES) $(BUILD)/webfiles
	@mkdir -p $(@D)
	$(call say,GEN,$@){ echo '#include "ald/app/web_files.h" /* struct web_blob */'; n=0; for f in $(WEBFILES); do n=$$((n + 1)); \
	    echo "static const unsigned char file$$n[] = {"; od -An -v -tx1 $$f | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1,/g'; echo "0};"; done; \
	    echo "const struct web_blob web_data[] = {"; n=0; for f in $(WEBFILES); do n=$$((n + 1)); \
	    echo "    {\"$${f##*/}\", file$$n, sizeof file$$n - 1},"; done; echo "};"; echo "const size_t web_data_count = $$n;"; } >$@
$(BUILD)/obj/app/web_data.o: $(BUILD)/gen/web_data.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) $(POSIX) -c $< -o $@

$(BUILD)/libald.a: $(LIBOBJS) $(BUILD)/objects
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $(LIBOBJS)

$(PROGRAMS): $(BUILD)/%: $(BUILD)/obj/app/%.o $(BUILD)/libald.a
	$(call say,LD,$@)$(CC) $(OPT) $(SANFLAGS) -pthread $(LDFLAGS) $< $(BUILD)/libald.a $(PKGLIBS) -lm -o $@

# ---- Manual pages: each lies beside what it documents; lists that stand in a table are put in by aldctl ----
PAGESRC  := $(wildcard recipes/*.5 config/*.5 src/*/*.[158])
MANPAGES := $(addprefix $(BUILD)/man/,$(notdir $(PAGESRC)))
KEYFILES := $(sort $(wildcard include/ald/control/report*.h))
vpath %.1 src/app
vpath %.5 recipes config src/control
vpath %.8 src/app
$(MANPAGES): $(BUILD)/man/%: % src/app/pages.awk $(KEYFILES) $(BUILD)/aldctl
	@mkdir -p $(@D)
	$(call say,MAN,$@)awk -v aldctl=$(BUILD)/aldctl -v headers='$(KEYFILES)' -f src/app/pages.awk $< >$@
.PHONY: manual
manual: $(MANPAGES)

# ---- Unit tests: one program each; other .c files beside them are helpers that all may use. ----
UNITCC    = $(CC) $(CSTD) -Wall -Wextra -Werror $(OPT) $(SANFLAGS) $(POSIX) -Iinclude -Itests -MMD -MP $(PKGFLAGS) $(CHECKFLAGS)
$(BUILD)/tests/obj/%.o: tests/unit/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(UNITCC) -c $< -o $@
$(BUILD)/tests/%: $(BUILD)/tests/obj/%.o $(UNITHELP) $(BUILD)/libald.a
	$(call say,LD,$@)$(CC) $(OPT) $(SANFLAGS) -pthread $(LDFLAGS) -Wl,--wrap=_mark_point $< $(MUTANTS) $(UNITHELP) $(BUILD)/libald.a $(PKGLIBS) $(CHECKLIBS) -lm -o $@
# The core with its exclusions and permits replaced by what test_gate_mutant.c says: they come before the library's.
$(BUILD)/tests/mutant/%.o: src/core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,'$< (mutant)')$(COMPILE) -Dtool_excludes=mutant_excludes -Dinterlock_permits=mutant_permits -c $< -o $@
$(BUILD)/tests/test_gate_mutant: MUTANTS := $(addprefix $(BUILD)/tests/mutant/,output.o output_permit.o core.o)
$(BUILD)/tests/test_gate_mutant: $(addprefix $(BUILD)/tests/mutant/,output.o output_permit.o core.o)
# A disk that fails, in the tests of the record and before a daemon (LD_PRELOAD). Its names are the C library's own.
$(BUILD)/tests/fault/disk.o: tests/fault/disk.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(UNITCC) -U_FORTIFY_SOURCE -c $< -o $@
$(BUILD)/tests/fault/disk.so: tests/fault/disk.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CSTD) -Wall -Wextra -Werror $(OPT) -U_FORTIFY_SOURCE $(POSIX) -Itests -shared -fPIC $< -o $@
$(BUILD)/tests/test_store_disk: MUTANTS := $(BUILD)/tests/fault/disk.o
$(BUILD)/tests/test_store_disk: $(BUILD)/tests/fault/disk.o
# aldctl with a core that decides one thing otherwise: a replay must expose it (tests/system/test_replay.py).
$(BUILD)/tests/changed/step.o: src/core/step.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,'$< (changed)')$(COMPILE) -Doutput_pulse=changed_output_pulse -c $< -o $@
$(BUILD)/tests/changed/core.o: tests/system/changed_core.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c $< -o $@
$(BUILD)/tests/aldctl-changed: $(BUILD)/obj/app/aldctl.o $(addprefix $(BUILD)/tests/changed/,step.o core.o) $(BUILD)/libald.a
	$(call say,LD,$@)$(CC) $(OPT) $(SANFLAGS) -pthread $(LDFLAGS) $^ $(PKGLIBS) -lm -o $@
.SECONDARY: $(UNITHELP) $(UNITS:$(BUILD)/tests/%=$(BUILD)/tests/obj/%.o)

.PHONY: unit
unit: $(UNITS) $(BUILD)/tests/sim $(BUILD)/tests/aldctl-changed $(BUILD)/tests/fault/disk.so

# ---- The fault simulation: many seeds in virtual time, watched by checkers of their own (tests/sim) ----
SIMOBJS  := $(patsubst tests/sim/%.c,$(BUILD)/tests/sim-obj/%.o,$(wildcard tests/sim/*.c))
SEEDS    ?= 500
FIRST    ?= 1
MINUTES  ?= 10
$(BUILD)/tests/sim-obj/%.o: tests/sim/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) $(POSIX) -c $< -o $@
$(BUILD)/tests/sim: $(SIMOBJS) $(BUILD)/libald.a
	$(call say,LD,$@)$(CC) $(OPT) $(SANFLAGS) -pthread $(LDFLAGS) $^ $(PKGLIBS) -lm -o $@
# The checkers by themselves, each shown what breaks it.
CHECKOBJS := $(patsubst tests/sim/%.c,$(BUILD)/tests/sim-obj/%.o,$(wildcard tests/sim/check*.c) tests/sim/closes.c tests/sim/locks.c tests/sim/seen.c)
$(BUILD)/tests/test_checkers: MUTANTS := $(CHECKOBJS)
$(BUILD)/tests/test_checkers: $(CHECKOBJS)
.PHONY: sim
sim: $(BUILD)/tests/sim
	@$(BUILD)/tests/sim --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS) --minutes $(MINUTES)

# ---- Mutants of the safety code (tests/sim/mutants.txt), all in one program, each chosen by its number ----
MUTATED  := $(sort $(shell sed -n 's,^ *in src/,,p' tests/sim/mutants.txt))
MUTOBJS  := $(MUTATED:%.c=$(BUILD)/mutants/obj/%.o) $(BUILD)/mutants/obj/count.o
$(MUTATED:%=$(BUILD)/mutants/src/%) $(BUILD)/mutants/src/count.c &: tests/sim/mutants.txt tests/sim/mutate.py $(MUTATED:%=src/%)
	$(call say,MUT,tests/sim/mutants.txt)$(PYTHON) tests/sim/mutate.py $(BUILD)/mutants/src
$(BUILD)/mutants/obj/%.o: $(BUILD)/mutants/src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,'src/$*.c (mutants)')$(COMPILE) -Itests -Isrc/$(*D) -include sim/mutant.h -c $< -o $@
# They come before the library's.
$(BUILD)/mutants/sim: $(SIMOBJS) $(MUTOBJS) $(BUILD)/libald.a
	$(call say,LD,$@)$(CC) $(OPT) $(SANFLAGS) -pthread $(LDFLAGS) $^ $(PKGLIBS) -lm -o $@
.PHONY: mutants
mutants: $(BUILD)/mutants/sim $(BUILD)/tests/sim
	@$(PYTHON) -B tests/sim/kill.py $^ --jobs $(JOBS)

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/tests/obj/*.d $(BUILD)/tests/mutant/*.d $(BUILD)/tests/changed/*.d $(BUILD)/tests/fault/*.d $(BUILD)/tests/sim-obj/*.d $(BUILD)/mutants/obj/*/*.d $(BUILD)/fuzz/obj/*.d $(BUILD)/bench/*.d)

# ---- Variants, each in a folder of its own ----
# As many jobs as cores, unless the caller already gave a number.
SUBMAKE   = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
ASAN     := BUILD=build-asan SANITIZE=address,undefined
TSAN     := BUILD=build-tsan SANITIZE=thread
.PHONY: asan tsan
asan:
	+$(SUBMAKE) $(ASAN) all unit
tsan:
	+$(SUBMAKE) $(TSAN) all unit

# ---- Fuzzing: libFuzzer, which comes with clang. The rings are built anew, so that it sees where its inputs lead. ----
FUZZDIR  := build-fuzz
FUZZCLANG ?= clang
FUZZERS  := recipe tool jsonrpc cond input
FUZZBINS := $(foreach f,$(FUZZERS),$(BUILD)/fuzz/$(f) $(BUILD)/fuzz/$(f)-canary)
# The session's client is the harness itself: no socket, no event loop.
FUZZRING := $(foreach r,base core link file,$(call ring-objs,$(r))) \
            $(addprefix $(BUILD)/obj/control/,dispatch.o feed.o fill.o jsonrpc.o params.o report.o report_tool.o resumes.o session.o)
FUZZHELP := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/obj/%.o,$(filter-out $(FUZZERS:%=tests/fuzz/fuzz_%.c),$(wildcard tests/fuzz/*.c)))
FUZZCC    = $(CC) $(CSTD) $(WARN) $(OPT) $(SANFLAGS) $(POSIX) -Iinclude -Itests -MMD -MP $(PKGFLAGS)
$(BUILD)/fuzz/obj/%-canary.o: tests/fuzz/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,'$< (canary)')$(FUZZCC) -DFUZZ_CANARY -c $< -o $@
$(BUILD)/fuzz/obj/%.o: tests/fuzz/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(FUZZCC) -c $< -o $@
$(BUILD)/libfuzz.a: $(FUZZRING) $(BUILD)/objects
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $(FUZZRING)
$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/fuzz_%.o $(FUZZHELP) $(BUILD)/libfuzz.a
	$(call say,LD,$@)$(CC) $(OPT) $(subst fuzzer-no-link,fuzzer,$(SANFLAGS)) -pthread $(LDFLAGS) $^ $(PKGLIBS) -lm -o $@
.SECONDARY: $(FUZZHELP) $(FUZZBINS:$(BUILD)/fuzz/%=$(BUILD)/fuzz/obj/fuzz_%.o)
.PHONY: fuzz fuzz-bins fuzz-smoke fuzz-long
fuzz-bins: $(FUZZBINS)
# Following every comparison halves the speed and finds no more than the dictionaries do.
fuzz:
	+@$(SUBMAKE) BUILD=$(FUZZDIR) CC='$(FUZZCLANG)' SANITIZE=fuzzer-no-link,address,undefined \
	    OPT='$(OPT) -fno-sanitize-coverage=trace-cmp' fuzz-bins
fuzz-smoke: deps
	+@$(MAKE) --no-print-directory fuzz
	@$(RUN) fuzz
RUNS     ?= 10000000
fuzz-long: fuzz
	$(PYTHON) tests/fuzz/fuzz.py --build $(FUZZDIR) --runs $(RUNS) $(FUZZERS)

# ---- Benchmarks: how fast the simulation is, and how exact pulses are beside what else one could write (tests/bench) ----
.PHONY: bench bench-bins bench-sim bench-store
BENCHCC   = $(UNITCC) -MF $@.d -MT $@ $(filter %.c,$^)
LOOPS    := $(addprefix $(BUILD)/bench/,loop_bare loop_libmodbus loop_libevent)
BENCHBINS := $(LOOPS) $(addprefix $(BUILD)/bench/,stalls load late)
PULSES   ?= 1000
$(BUILD)/bench/sim: tests/bench/sim.c $(BUILD)/libald.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(UNITCC) -MF $@.d $< $(BUILD)/libald.a $(LDFLAGS) $(PKGLIBS) -lm -o $@
$(BUILD)/bench/store: tests/bench/store.c $(BUILD)/libald.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(UNITCC) -MF $@.d $< $(BUILD)/libald.a $(LDFLAGS) $(PKGLIBS) -lm -o $@
$(LOOPS): tests/bench/loop.c tests/bench/loop.h
$(BUILD)/bench/late: tests/bench/loop.h
$(BUILD)/bench/loop_libmodbus $(BUILD)/bench/loop_libevent: tests/bench/lab.c tests/bench/lab.h
$(BENCHBINS): $(BUILD)/bench/%: tests/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(BENCHCC) $(LDFLAGS) $(PKGLIBS) -o $@
bench-bins: $(BENCHBINS)
bench-sim: deps
	+@$(SUBMAKE) all $(BUILD)/bench/sim $(BUILD)/tests/sim
	@tests/bench/bench-sim.sh $(BUILD)
# What keeping samples costs, and how soon a year of them is read: STORE=--help for more of either.
bench-store: deps
	+@$(SUBMAKE) all $(BUILD)/bench/store
	@$(PYTHON) -B tests/bench/store.py --build $(BUILD) $(STORE)
bench: deps
	+@$(SUBMAKE) all bench-bins
	@$(PYTHON) -B tests/bench/bench.py --build $(BUILD) --pulses $(PULSES) $(BENCH)

# ---- Tests ----
# The accessibility check of the page (tests/system/test_page.py), by name from npm. Without a registry that test is skipped.
AXE      := $(BUILD)/npm/node_modules/axe-core/axe.min.js
$(AXE):
	@mkdir -p $(BUILD)/npm
	$(call say,NPM,axe-core)npm install --no-save --no-audit --no-fund --prefix $(BUILD)/npm axe-core@4 >$(BUILD)/npm/log 2>&1 || \
	    echo "npm gives no axe-core ($(BUILD)/npm/log): the page's accessibility check will be skipped" >&2
RUN       = $(PYTHON) tests/run.py --build $(BUILD) --jobs $(JOBS)
.PHONY: deps test test-asan test-tsan
deps:
	@tests/install-deps.sh build test
test: deps
	+@$(SUBMAKE) all unit bench-bins $(BUILD)/tests/sim $(BUILD)/mutants/sim $(AXE)
	+@$(MAKE) --no-print-directory fuzz
	@$(RUN) unit rings golden fuzz sim mutants bench system
test-asan: deps
	+@$(SUBMAKE) $(ASAN) all unit
	@$(RUN) --build build-asan unit golden sim system
# Threads are in the links' workers and the database's writer, and in the programs that join them.
test-tsan: deps
	+@$(SUBMAKE) $(TSAN) all unit
	@$(RUN) --build build-tsan --only 'bus|serial|peer|served|control|store|query|recq|tape|system' unit system

# What a dry run of each shipped recipe prints; look at the differences before committing them.
.PHONY: golden
golden: $(BUILD)/aldctl
	ALD_BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/golden/test_golden.py --write

.PHONY: demo
demo:
	@tests/install-deps.sh build
	+@$(SUBMAKE) all
	@BUILD=$(BUILD) tests/demo.sh

# ---- Lint ----
CFILES   := $(wildcard src/*/*.c include/ald/*/*.h src/*/*.h tests/*/*.c tests/*/*.h tests/*.h)
SHFILES   = $(shell grep -lE '^\#!.*\b(ba)?sh\b' .ci/* tests/*.sh tests/*/*.sh 2>/dev/null)
PYFILES  := $(wildcard tests/*.py tests/*/*.py)
LINTS    := lint-format lint-cppcheck lint-tidy-pure lint-tidy-outer lint-scripts lint-man lint-systemd
.PHONY: lint format $(LINTS)
lint:
	@tests/install-deps.sh build test lint
	+@$(SUBMAKE) -k $(LINTS)
	@echo "lint: clean"
format:
	clang-format -i $(CFILES)
lint-format:
	$(call say,FMT,'$(words $(CFILES)) files')clang-format --dry-run -Werror $(CFILES)
# negativeIndex: cppcheck takes an assert on an index for a doubt about it.
lint-cppcheck:
	$(call say,CPPC,'src tests/fuzz')cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppress=missingIncludeSystem --suppress=missingInclude --suppress=negativeIndex \
	    -j $(JOBS) -Iinclude -Itests $(wildcard src/*) tests/fuzz
TIDY      = printf '%s\n' $(1) | xargs -P $(JOBS) -n 8 sh -c 'clang-tidy --quiet "$$@" -- $(CSTD) -Iinclude $(2) 2>/dev/null' tidy
lint-tidy-pure:
	$(call say,TIDY,'$(PURE)')$(call TIDY,$(foreach r,$(PURE),$(wildcard src/$(r)/*.c)),)
lint-tidy-outer:
	$(call say,TIDY,'$(OUTER) fuzz')$(call TIDY,$(foreach r,$(OUTER),$(wildcard src/$(r)/*.c)) $(wildcard tests/fuzz/*.c),$(POSIX) $(PKGFLAGS) -Itests -DALD_VERSION=\"lint\")
lint-scripts:
	$(call say,SH,'$(SHFILES)')shellcheck $(SHFILES)
	$(call say,PY,'$(PYFILES)')PYTHONPYCACHEPREFIX=$(abspath $(BUILD))/pycache $(PYTHON) -m py_compile $(PYFILES)
lint-man: $(MANPAGES)
	$(call say,MAN,'$(MANPAGES)')mandoc -T lint -W warning $(MANPAGES)
# The units name the installed programs; verify looks for them, so it is shown those just built.
SERVICES  := aldd aldweb
lint-systemd: $(SERVICES:%=$(BUILD)/%)
	@mkdir -p $(BUILD)/systemd
	$(call say,UNIT,'$(SERVICES:%=systemd/%.service)')for u in $(SERVICES); do \
	    sed "s|/usr/local/bin/|$(abspath $(BUILD))/|" systemd/$$u.service >$(BUILD)/systemd/$$u.service; done
	@systemd-analyze verify --man=no --recursive-errors=no $(SERVICES:%=$(BUILD)/systemd/%.service)
	@for u in $(SERVICES); do systemd-analyze security --offline=yes --threshold=25 $(BUILD)/systemd/$$u.service | tail -n 1; done

# ---- Install ----
bindir   := $(DESTDIR)$(PREFIX)/bin
libdir   := $(DESTDIR)$(PREFIX)/lib
datadir  := $(DESTDIR)$(PREFIX)/share/ald
mandir   := $(DESTDIR)$(PREFIX)/share/man
bashdir  := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir   := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
.PHONY: install
install: all
	install -d $(bindir) $(libdir)/systemd/system $(libdir)/sysusers.d $(libdir)/tmpfiles.d $(addprefix $(mandir)/man,1 5 8) \
	    $(bashdir) $(zshdir) \
	    $(datadir)/recipes $(datadir)/config/devices $(DESTDIR)$(SYSCONFDIR)/ald
	install -m 0755 $(PROGRAMS) $(bindir)
	for u in $(SERVICES); do sed 's|/usr/local/|$(PREFIX)/|' systemd/$$u.service >$(libdir)/systemd/system/$$u.service; done
	chmod 0644 $(SERVICES:%=$(libdir)/systemd/system/%.service)
	install -m 0644 systemd/aldd.sysusers $(libdir)/sysusers.d/aldd.conf
	install -m 0644 systemd/aldd.tmpfiles $(libdir)/tmpfiles.d/aldd.conf
	install -m 0644 $(wildcard recipes/*.yaml) $(datadir)/recipes
	install -m 0644 $(wildcard config/*.yaml) $(datadir)/config
	install -m 0644 $(wildcard config/devices/*.yaml) $(datadir)/config/devices
	$(foreach s,1 5 8,install -m 0644 $(filter %.$s,$(MANPAGES)) $(mandir)/man$s &&) true
	$(BUILD)/aldctl completion bash >$(bashdir)/aldctl && chmod 0644 $(bashdir)/aldctl
	$(BUILD)/aldctl completion zsh >$(zshdir)/_aldctl && chmod 0644 $(zshdir)/_aldctl
	for kind in recipe blocks tool profile; do \
	    $(BUILD)/aldctl schema $$kind >$(datadir)/$$kind.schema.json && chmod 0644 $(datadir)/$$kind.schema.json || exit 1; \
	done

.PHONY: clean help
clean:
	rm -rf build build-*
help:
	@echo "make                programs in build/, manual pages in build/man/      (CC=clang works)"
	@echo "make test           install what is missing, build, run all tests; the last line is the total"
	@echo "make demo           the reference process, two cycles, on the simulated tool (under three minutes)"
	@echo "make unit           build the unit tests only"
	@echo "make sim            the fault simulation: SEEDS=$(SEEDS) FIRST=$(FIRST) MINUTES=$(MINUTES) simulated minutes each, over JOBS"
	@echo "make mutants        every deliberate mutant of the safety code against the seeds of make test"
	@echo "make asan tsan      build with AddressSanitizer + UBSan, ThreadSanitizer (build-asan/, build-tsan/)"
	@echo "make test-asan      unit and system tests under ASan + UBSan"
	@echo "make test-tsan      the threaded parts and the system tests under TSan"
	@echo "make golden         write tests/golden/ anew: what a dry run of each shipped recipe prints"
	@echo "make fuzz           build the fuzz harnesses only, with clang (build-fuzz/)"
	@echo "make fuzz-smoke     the fuzz harnesses for a few seconds (part of make test)"
	@echo "make fuzz-long      the same for RUNS=$(RUNS) executions each, one after the other, with progress"
	@echo "make bench          pulses beside what else one could write, PULSES=$(PULSES) of each width in each condition, with its time"
	@echo "                    said first; BENCH='--quick --only idle,load' for less; BENCH=--help for the rest"
	@echo "make bench-sim      virtual seconds a second: dry runs of the reference recipe and of 100,000 cycles, the fault simulation"
	@echo "make bench-store    samples through the daemon's writer: CPU, bytes, gaps; trends of a year of them; STORE='--hours 24' for a day"
	@echo "make lint           format, cppcheck, clang-tidy, shellcheck, python, man pages, systemd units"
	@echo "make format         let clang-format rewrite the sources"
	@echo "make install        DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) SYSCONFDIR=$(SYSCONFDIR)"
	@echo "make clean          remove build/ and build-*/"
	@echo "Variables: BUILD=folder CC=compiler SANITIZE=list JOBS=n OPT=flags V=1"

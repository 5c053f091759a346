# make            build/aldd, build/aldctl, build/aldsim
# make test       everything; installs what it needs
# make demo       the reference process on the simulated tool
# make help       the rest

BUILD   ?= build
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
SANITIZE ?=
PYTHON  ?= /usr/bin/python3
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

PKGS    := libmodbus libevent libevent_pthreads sqlite3 yaml-0.1 jansson libsodium libsystemd
WARN    := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith -Wcast-qual
CSTD    := -std=c11
OPT     ?= -O2 -g -ffp-contract=off -fno-strict-aliasing
SANFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
PKGFLAGS = $(shell pkg-config --cflags $(PKGS))
PKGLIBS  = $(shell pkg-config --libs $(PKGS))
POSIX   := -D_GNU_SOURCE
# The pure rings are strict ISO C: no POSIX feature macro, no library's headers.
PURE    := base core link sim
RINGS   := base core link sim file bus store control

ring-objs = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/$(1)/*.c))
LIBOBJS := $(foreach r,$(RINGS),$(call ring-objs,$(r)))
APPLIB  := $(filter-out $(BUILD)/obj/app/aldd.o $(BUILD)/obj/app/aldctl.o $(BUILD)/obj/app/aldsim.o,$(call ring-objs,app))
PROGRAMS := $(BUILD)/aldd $(BUILD)/aldctl $(BUILD)/aldsim
UNITS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(PROGRAMS)

define ring-rule
$(BUILD)/obj/$(1)/%.o: src/$(1)/%.c Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(CSTD) $$(WARN) $$(OPT) $$(SANFLAGS) $(2) -Iinclude -MMD -MP -c $$< -o $$@
endef
$(foreach r,$(PURE),$(eval $(call ring-rule,$(r),)))
$(foreach r,file bus store control app,$(eval $(call ring-rule,$(r),$$(POSIX) -pthread $$(PKGFLAGS) -DALD_VERSION='"$$(VERSION)"')))

$(BUILD)/libald.a: $(LIBOBJS) $(APPLIB)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(PROGRAMS): $(BUILD)/%: $(BUILD)/obj/app/%.o $(BUILD)/libald.a
	$(CC) $(OPT) $(SANFLAGS) -pthread $< $(BUILD)/libald.a $(PKGLIBS) -lm -o $@

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libald.a
	@mkdir -p $(@D)
	$(CC) $(CSTD) -Wall -Wextra $(OPT) $(SANFLAGS) $(POSIX) -pthread -Iinclude -Itests -MMD -MP $(PKGFLAGS) $(shell pkg-config --cflags check) $< $(BUILD)/libald.a $(PKGLIBS) $(shell pkg-config --libs check) -lm -o $@

.PHONY: unit
unit: $(UNITS)

-include $(wildcard $(BUILD)/obj/*/*.d) $(wildcard $(BUILD)/tests/*.d)

.PHONY: clean
clean:
	rm -rf build build-*

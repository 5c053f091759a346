/* A small tool for the tests of the link and bus rings: two links, a valve module with a watchdog, a plant module. */
#ifndef TESTS_UNIT_LINK_TOOL_H
#define TESTS_UNIT_LINK_TOOL_H

#include "ald/core/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINK_VALVES, LINK_PLANT };
enum { DEV_VALVES, DEV_PLANT };
enum {
        TAG_NB,
        TAG_WATER,
        TAG_EXHAUST,
        TAG_PRESSURE,
        TAG_SPEED,
        TAG_FLOW,
        TAG_FLOW_SET,
        TAG_LID,
        TAG_TURNS,
        TAG_WIDE
};

static inline struct tool_tag *link_tool_tag(
    struct tool *t, const char *name, int device, enum tool_register reg, int address, enum tool_type type)
{
        struct tool_tag *tag = &t->tags[t->tag_count++];
        snprintf(tag->name, sizeof tag->name, "%s", name);
        tag->device = (int16_t)device;
        tag->reg = reg;
        tag->address = address;
        tag->type = type;
        tag->order = TOOL_ORDER_ABCD;
        tag->scale = 1;
        tag->is_bit = type == TOOL_BIT;
        tag->poll_us = 100000;
        return tag;
}

static inline struct tool_tag *link_tool_output(
    struct tool *t, const char *name, int device, enum tool_register reg, int address, enum tool_type type)
{
        struct tool_tag *tag = link_tool_tag(t, name, device, reg, address, type);
        tag->is_output = true;
        tag->verify = true;
        tag->limit_max = 1000;
        return tag;
}

static inline void link_tool_links(struct tool *t)
{
        static const char *const names[] = {"valves", "plant"};
        t->link_count = 2;
        for (int i = 0; i < 2; i++) {
                struct tool_link *l = &t->links[i];
                snprintf(l->name, sizeof l->name, "%s", names[i]);
                snprintf(l->host, sizeof l->host, "127.0.0.1");
                l->port = 1502;
                l->timeout_us = 200000;
                l->backoff_us_min = 100000;
                l->backoff_us_max = 1600000;
        }
        t->device_count = 2;
        t->devices[DEV_VALVES] = (struct tool_device){.name = "valve-io",
            .link = LINK_VALVES,
            .poll_link = LINK_PLANT,
            .slave_id = 1,
            .read_words_max = 125,
            .watchdog = {.present = true,
                .time_register = 0x1000,
                .time_unit_us = 100000,
                .timeout_us = 1000000,
                .feed_us = 250000,
                .trigger_register = 0x1003,
                .status_register = 0x1006,
                .status = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff},
                .counter_register = TOOL_NONE,
                .restart_count = 1,
                .restart = {{0x1007, 1}},
                .drives = TOOL_DRIVES_SAFE},
            .proof_output = TOOL_NONE};
        t->devices[DEV_PLANT] = (struct tool_device){.name = "plant-io",
            .link = LINK_PLANT,
            .poll_link = LINK_PLANT,
            .slave_id = 2,
            .read_words_max = 125,
            .write_multiple_only = true,
            .proof_output = TOOL_NONE};
}

/* The caller frees it. */
static inline struct tool *link_tool_new(void)
{
        struct tool *t = calloc(1, sizeof *t);
        link_tool_links(t);
        for (int i = 0; i < 2; i++) {
                static const char *const names[] = {"nb.valve", "water.valve"};
                struct tool_tag *valve = link_tool_output(t, names[i], DEV_VALVES, TOOL_COIL, i, TOOL_BIT);
                valve->is_valve = true;
                valve->failsafe = TOOL_FAILSAFE_WATCHDOG;
                valve->max_open_us = 5000000;
                valve->lease_us = 500000;
        }
        struct tool_tag *exhaust = link_tool_output(t, "exhaust.valve", DEV_VALVES, TOOL_COIL, 2, TOOL_BIT);
        exhaust->safe = 1;
        link_tool_tag(t, "pressure", DEV_PLANT, TOOL_INPUT, 0, TOOL_FLOAT32)->poll_us = 50000;
        struct tool_tag *speed = link_tool_tag(t, "speed", DEV_PLANT, TOOL_INPUT, 2, TOOL_INT16);
        speed->scale = 0.01;
        speed->poll_us = 50000;
        link_tool_tag(t, "flow", DEV_PLANT, TOOL_HOLDING, 9, TOOL_FLOAT32)->order = TOOL_ORDER_CDAB;
        struct tool_tag *set =
            link_tool_output(t, "flow.setpoint", DEV_PLANT, TOOL_HOLDING, 20, TOOL_FLOAT32);
        set->order = TOOL_ORDER_CDAB;
        set->safe = 10;
        link_tool_tag(t, "lid", DEV_PLANT, TOOL_DISCRETE, 0, TOOL_BIT);
        struct tool_tag *turns = link_tool_output(t, "turns", DEV_PLANT, TOOL_HOLDING, 30, TOOL_INT32);
        turns->order = TOOL_ORDER_BADC;
        struct tool_tag *wide = link_tool_output(t, "wide", DEV_PLANT, TOOL_HOLDING, 40, TOOL_FLOAT64);
        wide->order = TOOL_ORDER_DCBA;
        struct tool_interlock *k = &t->interlocks[t->interlock_count++];
        k->kind = TOOL_EXCLUSIVE;
        k->outputs[0] = TAG_NB;
        k->outputs[1] = TAG_WATER;
        k->output_count = 2;
        return t;
}

#endif

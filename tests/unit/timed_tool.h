/* The reference tool with the water valve on a module that times pulses itself, and has no watchdog: registers as an
 * ADAM-4100 shows them (verified: no), behind a gateway on the valves' link. */
#ifndef TESTS_UNIT_TIMED_TOOL_H
#define TESTS_UNIT_TIMED_TOOL_H

#include "support.h" /* support_tool */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strstr */

#define TIMED_TOOL_WATER                                                                                     \
        "  water.valve:\n"                                                                                   \
        "    {device: pulse-io, register: coil, address: 18, type: BIT, access: write, valve: yes, safe: "   \
        "closed,\n"                                                                                          \
        "     max_open: 10 s, lease: 500 ms, poll: 100 ms, failsafe: device_timed,\n"                        \
        "     pulse: {width_register: 19, width_type: UINT32, width_order: CDAB, width_unit: 0.1 ms,\n"      \
        "             setup: [{register: 66, value: 1}, {register: 3, value: 10}],\n"                        \
        "             start_register: 35, start_value: 1, count_register: 51}}\n"

/* The text of the file with `water` for the tag of the water valve. The caller frees it. */
static inline char *timed_tool_text(const char *water)
{
        struct diag *d = diag_new();
        size_t len, cap;
        char *text = file_read(SUPPORT_TOOL, &len, d), *out;
        const char *devices = strstr(text, "devices:\n") + strlen("devices:\n");
        const char *tag = strstr(text, "  water.valve:\n"), *next = strstr(text, "  exhaust.valve:");

        ck_assert(devices < tag && tag < next);
        cap = len + strlen(water) + 200;
        out = malloc(cap);
        snprintf(out, cap,
            "%.*s  pulse-io: {link: valves, poll_link: plant, slave_id: 6, address_base: 1}\n%.*s%s%s",
            (int)(devices - text), text, (int)(tag - devices), devices, water, next);
        diag_free(d);
        free(text);
        return out;
}

static inline struct tool *timed_tool_new(void)
{
        char *text = timed_tool_text(TIMED_TOOL_WATER);
        struct diag *d = diag_new();
        struct tool *tool = file_compile_tool("timed.yaml", text, strlen(text), d);

        if (tool == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(tool);
        diag_free(d);
        free(text);
        return tool;
}

#endif

/* The reference tool as compiled: what stands in the file arrives, and what does not has its documented default. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/file/tool_file.h" /* tool_file_keys */

#include <math.h> /* fabs */

static struct tool *tool;

static void set_up(void)
{
        tool = support_tool(SUPPORT_TOOL);
}

static void tear_down(void)
{
        free(tool);
}

static const struct tool_tag *tag(const char *name)
{
        int number = tool_find_tag(tool, name);
        ck_assert_msg(number >= 0, "no tag '%s'", name);
        return &tool->tags[number];
}

#define SAME(a, b)                                                                                           \
        ck_assert_msg(fabs((a) - (b)) < 1e-9, "%s is %.17g, not %.17g", #a, (double)(a), (double)(b))

START_TEST(links_and_devices)
{
        ck_assert_str_eq(tool->name, "rotary-ald");
        const struct tool_link *valves = &tool->links[tool_find_link(tool, "valves")];
        const struct tool_link *plant = &tool->links[tool_find_link(tool, "plant")];
        ck_assert_str_eq(valves->host, "127.0.0.1");
        ck_assert_int_eq(valves->port, 1502);
        ck_assert_int_eq(valves->timeout_us, 200000);
        ck_assert_int_eq(valves->backoff_us_min, 100000);
        ck_assert_int_eq(plant->backoff_us_max, 5000000);
        const struct tool_device *io = &tool->devices[tool_find_device(tool, "valve-io")];
        ck_assert_int_eq(io->link, valves - tool->links);
        ck_assert_int_eq(io->poll_link, plant - tool->links);
        ck_assert(io->watchdog.present);
        ck_assert_int_eq(io->watchdog.timeout_us, 1000000);
        ck_assert_int_eq(io->watchdog.feed_us, 250000);
        ck_assert_int_eq(io->watchdog.trigger_register, 0x1003);
        ck_assert_int_eq(io->watchdog.time_unit_us, 100000);
        const struct tool_device *flow = &tool->devices[tool_find_device(tool, "flow")];
        ck_assert(flow->write_multiple_only && !io->write_multiple_only);
        ck_assert_int_eq(flow->poll_link, flow->link);
        ck_assert_int_eq(flow->read_words_max, 125);
        ck_assert(!flow->watchdog.present);
}
END_TEST

START_TEST(inputs)
{
        const struct tool_tag *p = tag("chamber.pressure"), *lid = tag("lid.closed"), *bed = tag("bed.speed");
        ck_assert_str_eq(p->unit->name, "Torr");
        ck_assert_int_eq(p->type, TOOL_FLOAT32);
        ck_assert_int_eq(p->order, TOOL_ORDER_ABCD);
        ck_assert_int_eq(p->poll_us, 40000);
        ck_assert_int_eq(p->stale_us, 300000);
        ck_assert_int_eq(p->freeze_us, 3000000);
        ck_assert(p->has_valid && !p->is_output && !p->is_bit);
        SAME(p->valid_max, 1000);
        SAME(p->log_deadband, 0.005);
        ck_assert_int_eq(p->log_us, 1000000);
        ck_assert(lid->is_bit && !lid->is_valve && !lid->is_output);
        ck_assert_int_eq(lid->log_us, 0);
        SAME(bed->scale, 0.01);
        ck_assert_int_eq(tag("nb.temperature")->order, TOOL_ORDER_CDAB);
        /* Three polls and 200 ms. */
        ck_assert_int_eq(tag("carrier.flow.setpoint")->stale_us, 1700000);
}
END_TEST

START_TEST(outputs)
{
        const struct tool_tag *nb = tag("nb.valve"), *flow = tag("carrier.flow.setpoint"),
                              *pump = tag("pump.run");
        ck_assert(nb->is_output && nb->is_bit && nb->is_valve && nb->verify);
        ck_assert_int_eq(nb->class, TOOL_CLASS_PRECURSOR);
        ck_assert_int_eq(nb->failsafe, TOOL_FAILSAFE_WATCHDOG);
        ck_assert_int_eq(nb->max_open_us, 5000000);
        ck_assert_int_eq(nb->lease_us, 500000);
        ck_assert_int_eq(nb->follow_us, 500000);
        SAME(nb->safe, 0);
        ck_assert_int_eq(flow->class, TOOL_CLASS_PLAIN);
        SAME(flow->limit_max, 200);
        SAME(flow->safe, 10);
        SAME(flow->verify_within, 0.1);
        ck_assert_int_eq(flow->follow_us, 2000000);
        ck_assert_int_eq(flow->lease_us, 2000000);
        ck_assert_int_eq(flow->failsafe, TOOL_FAILSAFE_EXTERNAL);
        ck_assert_str_eq(flow->failsafe_text, "the controller keeps its last set-point; it has no watchdog");
        SAME(pump->safe, 1);
        ck_assert(!pump->is_valve);
        SAME(tag("exhaust.valve")->safe, 1);
}
END_TEST

START_TEST(images)
{
        const struct tool_tag *nb = tag("nb.valve"), *flow = tag("carrier.flow.setpoint"),
                              *heat = tag("chamber.temperature.setpoint");
        ck_assert(!nb->image[TOOL_IMAGE_HOLD].keep);
        SAME(nb->image[TOOL_IMAGE_HOLD].value, 0);
        ck_assert(flow->image[TOOL_IMAGE_HOLD].keep && heat->image[TOOL_IMAGE_HOLD].keep);
        SAME(heat->image[TOOL_IMAGE_STANDBY].value, 60);
        SAME(heat->image[TOOL_IMAGE_ABORT].value, 0);
        SAME(flow->image[TOOL_IMAGE_ABORT].value, 10);
        ck_assert(!heat->image[TOOL_IMAGE_ABORT].keep && !heat->image[TOOL_IMAGE_STANDBY].keep);
        /* Not named in the file: its safe value. */
        SAME(tag("vent.valve")->image[TOOL_IMAGE_STANDBY].value, 0);
        SAME(tag("exhaust.valve")->image[TOOL_IMAGE_STANDBY].value, 1);
}
END_TEST

START_TEST(equipment)
{
        const struct tool_loop *chamber = &tool->loops[tool->chamber];
        ck_assert_str_eq(chamber->name, "chamber");
        ck_assert_int_eq(chamber->kind, TOOL_LOOP_HEATER);
        SAME(chamber->tolerance, 2);
        SAME(chamber->ramp_max, 20.0 / 60);
        SAME(chamber->standby, 60);
        ck_assert(tool->loops[tool->carrier].is_inert);
        ck_assert_int_eq(tool->loops[tool->bed].kind, TOOL_LOOP_MOTOR);
        const struct tool_line *nb = &tool->lines[tool_find_line(tool, "nb")];
        ck_assert_str_eq(tool->loops[nb->source].name, "nb-source");
        ck_assert_int_eq(nb->pulse_us_min, 20000);
        ck_assert_int_eq(nb->purge_us_min, 5000000);
        ck_assert_int_eq(tool->lines[tool_find_line(tool, "water")].source, TOOL_NONE);
        ck_assert_str_eq(tool->tags[tool->gauge].name, "chamber.pressure");
        ck_assert_str_eq(tool->tags[tool->exhaust].name, "exhaust.valve");
        ck_assert_str_eq(tool->tags[tool->vent].name, "vent.valve");
        ck_assert_str_eq(tool->tags[tool->soft].name, "soft.valve");
        ck_assert_str_eq(tool->tags[tool->pump_run].name, "pump.run");
        ck_assert_str_eq(tool->tags[tool->pump_running].name, "pump.running");
        ck_assert_str_eq(tool->tags[tool->atmosphere].name, "chamber.atmosphere");
        ck_assert_int_eq(tool->valve_count, 3);
}
END_TEST

static const struct tool_interlock *interlock(const char *id)
{
        for (int i = 0; i < tool->interlock_count; i++)
                if (strcmp(tool->interlocks[i].id, id) == 0)
                        return &tool->interlocks[i];
        ck_abort_msg("no interlock '%s'", id);
        return NULL;
}

START_TEST(interlocks)
{
        const struct tool_interlock *trip = interlock("over-pressure"),
                                    *permit = interlock("precursor-needs-flow"),
                                    *lock = interlock("no-mixing");
        ck_assert_int_eq(trip->kind, TOOL_TRIP);
        ck_assert_int_eq(trip->then, TOOL_ACT_ABORT);
        ck_assert_int_eq(trip->for_us, 100000);
        ck_assert_int_eq(trip->grace_us, 500000);
        ck_assert_int_eq(trip->set_count, 1);
        ck_assert_str_eq(tool->tags[trip->set[0].tag].name, "carrier.flow.setpoint");
        ck_assert_str_eq(trip->when.text, "chamber.pressure > 5 Torr");
        ck_assert_int_ge(trip->arm.root, 0);
        ck_assert_int_eq(interlock("emergency-stop")->grace_us, 500000);
        ck_assert_int_eq(interlock("emergency-stop")->arm.root, -1);
        ck_assert_int_eq(permit->kind, TOOL_PERMIT);
        ck_assert_int_eq(permit->output_count, 2);
        ck_assert_int_ge(permit->when.root, 0);
        ck_assert(cond_uses_tag(&tool->conds, permit->when.root, tool->pump_running));
        ck_assert_int_eq(lock->kind, TOOL_EXCLUSIVE);
        ck_assert_int_eq(lock->purge_us, 5000000);
}
END_TEST

START_TEST(access_and_simulation)
{
        ck_assert_int_eq(tool->access_count, 3);
        ck_assert_str_eq(tool->access[0].name, "ald-engineer");
        ck_assert(tool->access[0].is_group && tool->access[0].role == TOOL_ROLE_ENGINEER);
        SAME(tool->sim.k_sccm_torr2, 13.2);
        SAME(tool->sim.gauge_noise_rms, 0.002);
        const struct tool_sim_line *nb = &tool->sim.line[tool_find_line(tool, "nb")],
                                   *water = &tool->sim.line[tool_find_line(tool, "water")];
        ck_assert_int_eq(nb->delivery, TOOL_DELIVERY_THROUGH);
        SAME(nb->vapour_b, 4350);
        SAME(nb->pickup, 0.9);
        SAME(nb->tail_s[1], 15);
        SAME(nb->tail_part, 0.1);
        SAME(nb->vapour_factor, 2);
        SAME(water->bottle_litre, 0.05);
        SAME(water->conductance_sccm_torr, 20);
        SAME(tool->sim.loop[tool->chamber].tau_s, 20);
        SAME(tool->sim.loop[tool->chamber].rate_max, 20.0 / 60);
        SAME(tool->sim.loop[tool->bed].rate_max, 2);
}
END_TEST

static struct tool *compile(const char *text, struct diag *d)
{
        return file_compile_tool("test", text, strlen(text), d);
}

START_TEST(addresses_of_links)
{
        static const struct {
                const char *text, *host;
                int port; /* 0: refused */
        } rows[] = {{"tcp://10.0.0.5:1502", "10.0.0.5", 1502}, {"tcp://plc", "plc", 502},
            {"tcp://[::1]:5020", "::1", 5020}, {"tcp://[::1]", "::1", 502}, {"tcp://", "", 0},
            {"tcp://a:", "", 0}, {"tcp://a:0", "", 0}, {"tcp://a:65536", "", 0}, {"tcp://a:1x", "", 0},
            {"tcp://[::1", "", 0}, {"tcp://[::1]x", "", 0}, {"tcp://a b:1", "", 0}, {"udp://a:1", "", 0},
            {"tcp://a/b:1", "", 0}, {"a:1", "", 0}, {"rtu://dev/x", "", 0}, {"rtu:///", "", 0}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct tool_link link = {0};
                ck_assert_msg(
                    file_link_address(&link, rows[i].text) == (rows[i].port > 0), "%s", rows[i].text);
                if (rows[i].port > 0) {
                        ck_assert_str_eq(link.host, rows[i].host);
                        ck_assert_int_eq(link.port, rows[i].port);
                }
        }
        struct tool_link link = {0};
        ck_assert(file_link_address(&link, "rtu:///dev/ttyS0"));
        ck_assert_int_eq(link.kind, TOOL_LINK_RTU);
        ck_assert_str_eq(link.path, "/dev/ttyS0");
}
END_TEST

/* The least a tool can be: everything else has a default or may be absent. */
START_TEST(the_smallest_tool)
{
        struct diag *d = diag_new();
        struct tool *small = compile("format: 1\ntool: t\nlinks: {l: {connect: tcp://h}}\n"
                                     "devices: {x: {link: l, slave_id: 1, address_base: 1}}\n"
                                     "tags: {a: {device: x, register: coil, address: 1}}\nequipment: {}\n",
            d);
        ck_assert_uint_eq(diag_count(d), 0);
        ck_assert_ptr_nonnull(small);
        ck_assert_int_eq(small->tags[0].address, 0);
        ck_assert_int_eq(small->tags[0].poll_us, 1000000);
        ck_assert_int_eq(small->tags[0].stale_us, 3200000);
        ck_assert_int_eq(small->gauge, TOOL_NONE);
        ck_assert_int_eq(small->carrier, TOOL_NONE);
        SAME(small->sim.volume_litre, 0.5);
        free(small);
        diag_free(d);
}
END_TEST

static bool is_documented(const char *page, const char *key)
{
        char row[80];
        snprintf(row, sizeof row, ".It Ic %s\n", key);
        return strstr(page, row) != NULL;
}

/* The man page is the specification: each key of each table stands in it. */
START_TEST(every_key_is_documented)
{
        size_t len, count;
        struct diag *d = diag_new();
        char *page = file_read("config/ald-tool.5", &len, d);
        ck_assert_ptr_nonnull(page);
        const struct keys *const *tables = tool_file_keys(&count);
        for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < tables[i]->count; k++) {
                        ck_assert_msg(is_documented(page, tables[i]->row[k].name),
                            "ald-tool(5) lacks '%s' of %s", tables[i]->row[k].name, tables[i]->what);
                        ck_assert_ptr_nonnull(tables[i]->row[k].help);
                }
        }
        free(page);
        diag_free(d);
}
END_TEST

/* What people copy from the man page works. */
START_TEST(the_example_is_sound)
{
        struct diag *d = diag_new();
        size_t len;
        char *page = file_read("config/ald-tool.5", &len, d);
        ck_assert_ptr_nonnull(page);
        char *example = strstr(page, "format: 1\n"), *end = example ? strstr(example, ".Ed\n") : NULL;
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        struct tool *made = compile(example, d);
        if (diag_count(d) > 0)
                diag_print(d, stderr, false);
        ck_assert_uint_eq(diag_count(d), 0);
        free(made);
        free(page);
        diag_free(d);
}
END_TEST

START_TEST(reading_files)
{
        struct diag *d = diag_new();
        size_t len;
        ck_assert_ptr_null(file_read("no/such/file", &len, d));
        ck_assert_ptr_null(file_read("config", &len, d));
        ck_assert_ptr_null(file_read("/dev/zero", &len, d));
        ck_assert_uint_eq(diag_errors(d), 3);
        ck_assert_ptr_nonnull(strstr(diag_entry(d, 0)->text, "cannot be opened"));
        ck_assert_ptr_nonnull(strstr(diag_entry(d, 1)->text, "directory"));
        ck_assert_ptr_nonnull(strstr(diag_entry(d, 2)->text, "longer than 256 KiB"));
        diag_free(d);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("tool_file");
        TCase *tc = tcase_create("tool_file");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, links_and_devices);
        tcase_add_test(tc, inputs);
        tcase_add_test(tc, outputs);
        tcase_add_test(tc, images);
        tcase_add_test(tc, equipment);
        tcase_add_test(tc, interlocks);
        tcase_add_test(tc, access_and_simulation);
        tcase_add_test(tc, addresses_of_links);
        tcase_add_test(tc, the_smallest_tool);
        tcase_add_test(tc, every_key_is_documented);
        tcase_add_test(tc, the_example_is_sound);
        tcase_add_test(tc, reading_files);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}

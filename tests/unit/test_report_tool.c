/* The equipment as clients are told it, of the shipped tool. */
#include "suite.h"
#include "support.h"

#include "ald/control/report_tool.h" /* report_tool */

static struct tool *tool;
static json_t *told;

static void setup(void)
{
        tool = support_tool(SUPPORT_TOOL);
        told = report_tool(tool);
}

static void teardown(void)
{
        json_decref(told);
        free(tool);
}

static const json_t *piece(const char *name)
{
        const json_t *o;
        size_t i;

        json_array_foreach(json_object_get(told, "equipment"), i,
            o) if (strcmp(json_string_value(json_object_get(o, "name")), name) == 0) return o;
        ck_abort_msg("no %s", name);
        return NULL;
}

static void expect(const char *name, const char *key, const char *value)
{
        const char *is = json_string_value(json_object_get(piece(name), key));

        ck_assert_msg(is != NULL && strcmp(is, value) == 0, "%s: %s is %s", name, key, is != NULL ? is : "?");
}

START_TEST(every_kind_names_its_tags)
{
        ck_assert_str_eq(json_string_value(json_object_get(told, "tool")), "rotary-ald");
        ck_assert_uint_eq(json_array_size(json_object_get(told, "equipment")), 15);
        expect("carrier", "kind", "flow");
        expect("carrier", "value", "carrier.flow");
        expect("carrier", "setpoint", "carrier.flow.setpoint");
        expect("carrier", "unit", "sccm");
        ck_assert(json_is_true(json_object_get(piece("carrier"), "inert")));
        expect("chamber", "kind", "heater");
        ck_assert_double_eq(json_number_value(json_object_get(piece("chamber"), "tolerance")), 2);
        expect("bed", "kind", "motor");
        expect("nb", "kind", "precursor");
        expect("nb", "valve", "nb.valve");
        expect("nb", "source", "nb-source");
        expect("nb", "line", "nb-line");
        expect("exhaust", "role", "exhaust");
        expect("vent", "role", "vent");
        expect("soft", "role", "soft");
        expect("pump", "run", "pump.run");
        expect("pump", "running", "pump.running");
        expect("gauge", "value", "chamber.pressure");
        expect("gauge", "unit", "Torr");
        expect("gauge", "atmosphere", "chamber.atmosphere");
        expect("safety", "kind", "inputs");
        expect("safety", "lid", "lid.closed");
        expect("safety", "over_temperature", "heater.over-temperature");
}
END_TEST

/* A client need not ask whether a key is there. */
START_TEST(every_piece_has_every_key)
{
        const json_t *first = piece("carrier"), *o;
        const char *key;
        const json_t *value;
        size_t i;

        json_array_foreach(json_object_get(told, "equipment"), i, o)
        {
                ck_assert_uint_eq(json_object_size(o), json_object_size(first));
                json_object_foreach((json_t *)first, key, value)
                    ck_assert_msg(json_object_get(o, key) != NULL, "%zu lacks %s", i, key);
        }
        ck_assert(json_is_null(json_object_get(piece("water"), "source")));
        ck_assert(json_is_null(json_object_get(piece("nb"), "value")));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("report_tool");
        TCase *group = tcase_create("report_tool");

        tcase_add_checked_fixture(group, setup, teardown);
        tcase_add_test(group, every_kind_names_its_tags);
        tcase_add_test(group, every_piece_has_every_key);
        suite_add_tcase(suite, group);
        return suite_main(suite);
}

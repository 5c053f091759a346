/* The model of `aldctl top` as tests fill it: what a real daemon said in a heat-up, changed by JSON texts. */
#ifndef TESTS_UNIT_TOP_RIG_H
#define TESTS_UNIT_TOP_RIG_H

#include "ald/app/aldctl_show.h" /* show_parse_time */
#include "ald/app/top_ask.h"     /* struct top_ask */
#include "ald/app/top_model.h"   /* struct top_model */
#include "ald/base/time.h"       /* TIME_S */

#include <check.h>  /* ck_assert */
#include <locale.h> /* setlocale */
#include <stdlib.h> /* setenv */
#include <time.h>   /* tzset */

#define TOP_RIG_SAID "tests/golden/top/heat-up.json"

static struct top_model rig_model;
static struct top_ask rig_ask;
static int64_t rig_now_us;

/* The clock of the messages. */
static inline json_t *rig_stamp(json_t *params)
{
        char utc[TIME_UTC_CAP];

        time_format_utc(rig_model.wall_us + (rig_now_us - rig_model.heard_us), utc);
        (void)json_object_set_new(params, "time", json_string(utc));
        return params;
}

static inline json_t *rig_read(const char *text)
{
        json_error_t error;
        json_t *value = json_loads(text, 0, &error);

        ck_assert_msg(value != NULL, "%s: %s", error.text, text);
        return value;
}

static inline void rig_update(const char *text)
{
        json_t *params = rig_stamp(rig_read(text));

        top_model_update(&rig_model, params, rig_now_us);
        json_decref(params);
}

static inline void rig_alarms(const char *text)
{
        json_t *alarms = rig_read(text);

        top_model_alarms(&rig_model, alarms);
        json_decref(alarms);
}

static inline void rig_pass(int64_t us)
{
        rig_now_us += us;
        top_model_tick(&rig_model, rig_now_us);
        top_ask_tick(&rig_ask, &rig_model);
}

static inline void rig_hello(const char *role)
{
        json_t *hello = json_pack("{s:s, s:s}", "tool", "rotary-ald", "role", role);

        top_model_hello(&rig_model, hello, rig_now_us);
        json_decref(hello);
}

static inline void rig_begin(bool has_tool)
{
        json_error_t error;
        json_t *said;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        (void)setenv("TZ", "UTC", 1);
        tzset();
        said = json_load_file(TOP_RIG_SAID, 0, &error);
        ck_assert_msg(said != NULL, "%s", error.text);
        rig_now_us = 1000 * TIME_S;
        rig_ask = (struct top_ask){.window = 0};
        top_model_init(&rig_model);
        rig_hello("operator");
        top_model_full(&rig_model, json_object_get(said, "full"), rig_now_us);
        top_model_tool(&rig_model, has_tool ? json_object_get(said, "tool") : NULL);
        json_decref(said);
}

static inline void rig_end(void)
{
        top_model_free(&rig_model);
}

#endif

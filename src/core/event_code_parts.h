/* How the parts of an event are written: shared by the files of event_code only. */
#ifndef ALD_CORE_EVENT_CODE_PARTS_H
#define ALD_CORE_EVENT_CODE_PARTS_H

#include "ald/core/event_code.h" /* struct event_code */

/* Times that differ by more than a century are made up. */
#define EVENT_CODE_APART_US (INT64_C(1) << 52)
/* No pulse takes more than a ton of anything. */
#define EVENT_CODE_UMOL_MAX 1e12

/* ---- event_code_parts.c ---- */
uint64_t event_code_double_bits(double value);
double event_code_bits_double(uint64_t bits);
/* A time near now, or 0: none. */
void event_code_put_time(struct bytes_out *out, int64_t now_us, int64_t t_us);
int64_t event_code_take_time(struct bytes_in *in, int64_t now_us);
/* An integer from min to max. */
int event_code_take_from(struct bytes_in *in, int min, int max);
uint32_t event_code_take_id(struct bytes_in *in);

/* ---- event_code_samples.c ---- */
void event_code_put_samples(struct event_code *code, const struct event *event, struct bytes_out *out);
void event_code_take_samples(
    struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event *event);

/* ---- event_code_done.c: what links did ---- */
void event_code_put_wrote(const struct event_code *code, const struct event_wrote *w, struct bytes_out *out);
void event_code_take_wrote(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_wrote *w);
void event_code_put_pulse(const struct event_code *code, const struct event_pulse *p, struct bytes_out *out);
void event_code_take_pulse(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_pulse *p);

void event_code_put_watchdog(
    const struct event_code *code, const struct event_watchdog *w, struct bytes_out *out);
void event_code_take_watchdog(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_watchdog *w);

/* ---- event_code_command.c ---- */
void event_code_put_command(const struct command *command, struct bytes_out *out);
void event_code_take_command(
    struct bytes_in *in, const struct tool *tool, const struct recipe *recipe, struct command *c);

#endif

#include "ald/link/conn.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* time_min, time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset */

void conn_init(struct conn *c, const struct tool_link *link, bool needs_proof, int64_t now_us)
{
        assert(c && link);
        memset(c, 0, sizeof *c);
        /* Never faster than 10 ms, whatever the tool file says: an attempt costs the device a socket. */
        c->backoff_us_min = link->backoff_us_min > 10 * TIME_MS ? link->backoff_us_min : 10 * TIME_MS;
        c->backoff_us_max =
            link->backoff_us_max > c->backoff_us_min ? link->backoff_us_max : c->backoff_us_min;
        c->backoff_us = c->backoff_us_min;
        c->retry_us = now_us;
        c->tried_us = INT64_MIN;
        c->needs_proof = needs_proof;
        c->is_down = true;
}

static void set_up(struct conn *c)
{
        if (!c->is_down)
                return;
        c->is_down = false;
        c->owes_up = true;
        c->why[0] = '\0';
}

static bool set_down(struct conn *c, const char *why)
{
        bool is_news = !c->is_down || (c->fails == 1 && c->tried_us == INT64_MIN);
        c->is_down = true;
        if (is_news) {
                c->owes_down = true;
                c->owes_up = false;
                text_copy(c->why, sizeof c->why, why);
        }
        return is_news;
}

static void pace(struct conn *c, int64_t now_us)
{
        c->retry_us = time_add(now_us, c->backoff_us);
        c->backoff_us = time_min(2 * c->backoff_us, c->backoff_us_max);
}

void conn_connected(struct conn *c)
{
        assert(!c->is_connected && !c->must_drop);
        c->is_connected = true;
        if (c->fails == 0 || !c->needs_proof)
                conn_worked(c);
}

bool conn_refused(struct conn *c, int64_t now_us, const char *why)
{
        assert(!c->is_connected);
        c->fails++;
        bool is_news = set_down(c, why);
        c->tried_us = now_us;
        pace(c, now_us);
        return is_news;
}

bool conn_broke(struct conn *c, int64_t now_us, const char *why)
{
        int64_t again_us = time_add(c->retry_us, CONN_REPLACE_US); /* since the attempt that led here */
        c->fails++;
        c->must_drop = true;
        c->tried_us = now_us;
        c->retry_us = now_us > again_us ? now_us : again_us;
        if (c->fails < 2)
                return false; /* replaced at once, and nobody need know */
        bool is_news = set_down(c, why);
        pace(c, now_us);
        return is_news;
}

bool conn_muted(struct conn *c, const char *why, bool is_all)
{
        c->fails++;
        return is_all && c->fails >= 2 && set_down(c, why);
}

void conn_replace(struct conn *c, int64_t now_us)
{
        c->must_drop = true;
        c->retry_us = now_us;
        c->tried_us = now_us;
}

void conn_dropped(struct conn *c)
{
        c->is_connected = false;
        c->must_drop = false;
}

void conn_worked(struct conn *c)
{
        c->fails = 0;
        c->backoff_us = c->backoff_us_min;
        if (c->is_connected)
                set_up(c);
}

int64_t conn_retry(const struct conn *c, bool in_hurry, int64_t need_us)
{
        int64_t retry_us = c->retry_us;

        if (in_hurry && c->tried_us != INT64_MIN)
                retry_us = time_min(retry_us, time_add(c->tried_us, CONN_HURRY_US));
        if (!c->is_down && need_us != TIME_NEVER) {
                int64_t lead_us = need_us - CONN_LEAD_US;
                retry_us = time_min(retry_us, lead_us > c->tried_us ? lead_us : c->tried_us);
        }
        return retry_us;
}

bool conn_report(struct conn *c, struct event_link *out)
{
        if (!c->owes_down && !c->owes_up)
                return false;
        memset(out, 0, sizeof *out);
        out->up = !c->owes_down;
        if (c->owes_down)
                text_copy(out->why, sizeof out->why, c->why);
        if (c->owes_down)
                c->owes_down = false;
        else
                c->owes_up = false;
        return true;
}

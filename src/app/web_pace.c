#include "ald/app/web_pace.h" /* own declarations */

enum web_pace_next web_pace_decide(struct web_pace *p, bool is_news, size_t queued, int64_t now_us)
{
        if (queued < p->queued || queued == 0)
                p->moved_us = now_us;
        p->queued = queued;
        if (queued > 0 && now_us - p->moved_us > WEB_PACE_PATIENCE_US)
                return WEB_PACE_DROP;
        if (p->is_behind) {
                if (queued > 0)
                        return WEB_PACE_SKIP;
                p->is_behind = false;
                return WEB_PACE_FULL;
        }
        if (!is_news)
                return WEB_PACE_SKIP;
        if (queued <= WEB_PACE_QUEUED_MAX)
                return WEB_PACE_SEND;
        p->is_behind = true;
        return WEB_PACE_SKIP;
}

void web_pace_note(struct web_pace *p, size_t bytes)
{
        p->queued += bytes;
}

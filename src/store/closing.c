#include "ald/store/closing.h"

#include <assert.h> /* assert */

void closing_begin(struct closing *c)
{
        c->tape = c->tape_committed;
        c->running = c->running_committed;
        c->due_count = 0;
        c->when = NULL;
}

void closing_commit(struct closing *c)
{
        assert(c->due_count == 0);
        c->tape_committed = c->tape;
        c->running_committed = c->running;
}

void closing_run_begins(struct closing *c, int64_t run)
{
        c->running = run;
        c->when = "run begins";
}

void closing_run_ends(struct closing *c, int64_t run)
{
        if (c->running == run)
                c->running = 0;
}

static int put_seal(struct closing *c, int64_t run, int64_t t_us)
{
        struct record record;
        struct seal seal;
        int rc = seal_read(c->db, run, &c->tape, c->digest, NULL, &seal);

        if (rc != SQLITE_OK || seal.rows == 0) /* 0: its begin is still to come, or was refused */
                return rc;
        seal_make_record(&seal, t_us, &record);
        c->when = "run ended";
        return c->put(c->ctx, &record);
}

int closing_put_due(struct closing *c)
{
        int rc = SQLITE_OK;

        for (int i = 0; i < c->due_count && rc == SQLITE_OK; i++)
                rc = put_seal(c, c->due[i].run, c->due[i].t_us);
        c->due_count = 0;
        return rc;
}

int closing_note(struct closing *c, int64_t run, int64_t t_us)
{
        int rc = SQLITE_OK, i = 0;

        if (c->digest == NULL || run == 0 || run == c->running)
                return rc;
        while (i < c->due_count && c->due[i].run != run)
                i++;
        if (i == CLOSING_MAX) {
                rc = closing_put_due(c);
                i = 0;
        }
        c->due[i].run = run;
        c->due[i].t_us = t_us;
        c->due_count += i == c->due_count;
        return rc;
}

int closing_piece(struct closing *c, const struct tape_piece *piece)
{
        seal_tape_add(&c->tape, piece, c->digest);
        return closing_note(c, piece->run_id, piece->wall_us);
}

int closing_put_interrupted(struct closing *c, const struct audit_head *head, int64_t wall_us)
{
        int64_t run, last = 0;
        int rc = SQLITE_OK;

        while (c->digest != NULL && (rc = seal_next_open(c->db, &run)) == SQLITE_OK && run != 0) {
                assert(run > last); /* each round closes one */
                last = run;
                rc = seal_close_row(c->db, run, head);
                if (rc == SQLITE_OK)
                        rc = put_seal(c, run, wall_us);
                if (rc != SQLITE_OK)
                        break;
        }
        c->when = "opened";
        return rc;
}

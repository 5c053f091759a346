#include "ald/store/runcopy.h"

#include "ald/base/text.h"   /* text_copy */
#include "ald/store/audit.h" /* audit_add_json */

#include <assert.h>  /* assert */
#include <sqlite3.h> /* sqlite3_str */
#include <stdlib.h>  /* malloc, free */
#include <string.h>  /* memcpy, strlen */

struct runcopy *runcopy_new(const struct recipe *recipe)
{
        assert(recipe != NULL && recipe->text != NULL);
        struct runcopy *copy = malloc(sizeof *copy + recipe->text_len + 1);

        if (copy == NULL)
                return NULL;
        text_copy(copy->recipe, sizeof copy->recipe, recipe->name);
        text_copy(copy->sha256, sizeof copy->sha256, recipe->sha256);
        copy->parameter_count = recipe->parameter_count;
        memcpy(copy->parameters, recipe->parameters, sizeof copy->parameters);
        text_copy(copy->powder_material, sizeof copy->powder_material, recipe->powder_material);
        text_copy(copy->powder_lot, sizeof copy->powder_lot, recipe->powder_lot);
        copy->powder_g = recipe->powder_g;
        copy->powder_m2_g = recipe->powder_m2_g;
        copy->growth_nm = recipe->growth_nm;
        copy->thickness_nm = recipe->thickness_nm;
        copy->cycles = recipe->cycles;
        copy->timed_us = recipe->timed_us + recipe_finally_us(recipe);
        copy->resume = recipe->resume;
        copy->text_len = recipe->text_len;
        memcpy(copy->text, recipe->text, recipe->text_len);
        copy->text[recipe->text_len] = '\0';
        return copy;
}

bool runcopies_push(struct runcopies *c, const struct recipe *recipe)
{
        if (c->head - atomic_load_explicit(&c->tail, memory_order_acquire) >= RUNCOPIES_MAX)
                return false;
        struct runcopy *copy = runcopy_new(recipe);

        if (copy == NULL)
                return false;
        c->at[c->head++ % RUNCOPIES_MAX] = copy;
        return true;
}

void runcopies_unpush(struct runcopies *c)
{
        assert(c->head != atomic_load_explicit(&c->tail, memory_order_acquire));
        free(c->at[--c->head % RUNCOPIES_MAX]);
}

const struct runcopy *runcopies_at(const struct runcopies *c, uint32_t i)
{
        assert(i < RUNCOPIES_MAX);
        return c->at[(atomic_load_explicit(&c->tail, memory_order_relaxed) + i) % RUNCOPIES_MAX];
}

void runcopies_release(struct runcopies *c, uint32_t n)
{
        uint32_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);

        assert(n <= RUNCOPIES_MAX);
        for (uint32_t i = 0; i < n; i++)
                free(c->at[(tail + i) % RUNCOPIES_MAX]);
        atomic_store_explicit(&c->tail, tail + n, memory_order_release);
}

static void add_key(sqlite3_str *to, const char *key)
{
        if (sqlite3_str_length(to) > 1)
                sqlite3_str_appendchar(to, 1, ',');
        audit_add_json(to, key, strlen(key));
        sqlite3_str_appendchar(to, 1, ':');
}

char *runcopy_parameters(const struct runcopy *copy)
{
        sqlite3_str *to = sqlite3_str_new(NULL);

        sqlite3_str_appendchar(to, 1, '{');
        for (int i = 0; i < copy->parameter_count; i++) {
                const struct recipe_parameter *p = &copy->parameters[i];

                add_key(to, p->name);
                audit_add_json(to, p->value, sizeof p->value);
        }
        sqlite3_str_appendchar(to, 1, '}');
        return sqlite3_str_finish(to);
}

static void add_text(sqlite3_str *to, const char *key, const char *value, size_t max)
{
        if (value[0] == '\0')
                return;
        add_key(to, key);
        audit_add_json(to, value, max);
}

static void add_number(sqlite3_str *to, const char *key, double value)
{
        if (!(value > 0))
                return;
        add_key(to, key);
        sqlite3_str_appendf(to, "%!.15g", value);
}

char *runcopy_declared(const struct runcopy *copy, const char *pressure_unit)
{
        sqlite3_str *to = sqlite3_str_new(NULL);

        sqlite3_str_appendchar(to, 1, '{');
        add_text(to, "powder_material", copy->powder_material, sizeof copy->powder_material);
        add_text(to, "powder_lot", copy->powder_lot, sizeof copy->powder_lot);
        add_number(to, "powder_g", copy->powder_g);
        add_number(to, "powder_m2_g", copy->powder_m2_g);
        add_number(to, "growth_nm", copy->growth_nm);
        add_number(to, "thickness_nm", copy->thickness_nm);
        add_number(to, "cycles", (double)copy->cycles);
        add_number(to, "timed_s", (double)copy->timed_us / 1e6);
        add_text(to, "pressure_unit", pressure_unit, TOOL_NAME_MAX);
        sqlite3_str_appendchar(to, 1, '}');
        return sqlite3_str_finish(to);
}

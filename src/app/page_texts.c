/* What was made of what, the recipe as it ran, and what this page can be checked against. */
#include "ald/app/version.h" /* version_text */
#include "page.h"            /* own declarations */

#include <jansson.h> /* run.parameters */
#include <string.h>  /* strlen */

/* ---- Powder, lot and recipe ---- */

static void put_quantity(struct page *r, const char *name, double value, const char *unit)
{
        char buf[PAGE_TEXT_CAP];

        if (value > 0)
                html_fact(&r->html, name, "%s %s (declared)", page_number(buf, value, 5), unit);
        else
                html_fact(&r->html, name, "not declared");
}

static void put_declared(struct page *r, const struct recipe *recipe)
{
        html_fact(&r->html, "title", "%s", recipe->title);
        if (recipe->source[0] != '\0')
                html_fact(&r->html, "source of the process", "%s", recipe->source);
        html_fact(&r->html, "powder", "%s",
            recipe->powder_material[0] != '\0' ? recipe->powder_material : "not declared");
        html_fact(&r->html, "lot", "%s", recipe->powder_lot[0] != '\0' ? recipe->powder_lot : "not declared");
        put_quantity(r, "mass", recipe->powder_g, "g");
        put_quantity(r, "specific surface", recipe->powder_m2_g, "m2/g");
        put_quantity(r, "growth per cycle", recipe->growth_nm, "nm");
        put_quantity(r, "thickness", recipe->thickness_nm, "nm");
}

void page_made(struct page *r)
{
        html_facts_begin(&r->html, "made");
        html_fact(&r->html, "run", "%lld", (long long)r->run.id);
        html_fact(&r->html, "recipe", "%s", r->run.recipe);
        if (r->recipe != NULL)
                put_declared(r, r->recipe);
        html_fact(&r->html, "tool", "%s%s%s", r->tool != NULL ? r->tool->name : "not known",
            r->tool != NULL && r->tool->title[0] != '\0' ? ": " : "", r->tool != NULL ? r->tool->title : "");
        html_fact(&r->html, "operator", "%s", r->run.user);
        html_facts_end(&r->html);
        if (r->recipe == NULL)
                html_element(
                    &r->html, "p", "missing", "What the recipe declares is not read: %s.", r->why_not);
}

/* ---- Recipe ---- */

static void put_parameters(struct page *r)
{
        static const struct html_column columns[] = {{"parameter", false}, {"value", false}};
        json_t *parameters = json_loads(r->texts.parameters, 0, NULL), *value;
        const char *name;

        if (json_object_size(parameters) > 0) {
                html_table_begin(&r->html, "parameters", columns, 2);
                json_object_foreach(parameters, name, value)
                {
                        html_row_begin(&r->html, NULL);
                        html_cell(&r->html, "%s", name);
                        html_cell(&r->html, "%s", json_is_string(value) ? json_string_value(value) : "-");
                        html_row_end(&r->html);
                }
                html_table_end(&r->html);
        }
        json_decref(parameters);
}

void page_recipe(struct page *r)
{
        html_element(&r->html, "h3", NULL, "Parameters as run");
        put_parameters(r);
        html_element(&r->html, "h3", NULL, "Text");
        html_open(&r->html, "pre", "id", "recipe-text", HTML_END);
        html_put(&r->html, r->texts.recipe);
        html_close(&r->html, "pre");
        html_text(&r->html, "\n");
}

/* ---- Proof ---- */

static void put_code(struct page *r, const char *name, const char *id, const char *text)
{
        html_fact_begin(&r->html, name);
        html_open(&r->html, "code", "id", id, HTML_END);
        html_put(&r->html, text[0] != '\0' ? text : "not recorded");
        html_close(&r->html, "code");
        html_fact_end(&r->html);
}

static void put_head(struct page *r, const char *name, const char *id, int64_t entry, const char *sha256)
{
        char text[128];

        if (entry < 0)
                (void)snprintf(text, sizeof text, "not recorded");
        else if (entry == 0)
                (void)snprintf(text, sizeof text, "none yet: no audit entry existed");
        else
                (void)snprintf(text, sizeof text, "entry %lld, %s", (long long)entry, sha256);
        put_code(r, name, id, text);
}

void page_proof(struct page *r)
{
        char buf[PAGE_TEXT_CAP];

        html_facts_begin(&r->html, "hashes");
        put_code(r, "recipe, SHA-256", "recipe-sha256", r->run.recipe_sha256);
        put_code(r, "tool file, SHA-256", "tool-sha256", r->run.tool_sha256);
        put_head(r, "audit chain when the run began", "audit-began", r->more.audit_id, r->more.audit_sha256);
        put_head(r, "audit chain when it ended", "audit-ended", r->more.audit_id_ended,
            r->more.audit_sha256_ended);
        html_fact(&r->html, "recorded by", "aldd %s", r->run.version);
        html_fact(&r->html, "this page", "by aldctl %s, %s UTC", version_text(), page_time(buf, r->now_us));
        if (r->why_not[0] == '\0')
                html_fact(&r->html, "checked", "the recorded texts have these digests");
        else
                html_fact(&r->html, "not checked", "%s", r->why_not);
        if (r->trouble[0] != '\0')
                html_fact(&r->html, "not read", "%s: something above lacks samples", r->trouble);
        html_facts_end(&r->html);
        html_element(&r->html, "p", "note",
            "`aldctl replay %lld` decides the run once more from what it recorded. A head of the audit chain "
            "that is "
            "kept on paper shows later whether entries up to it were changed or taken away.",
            (long long)r->run.id);
}

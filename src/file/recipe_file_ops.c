/* Ops and blocks of a recipe that is being compiled. */
#include "ald/file/recipe_file.h"

#include <string.h> /* strcmp */

/* A place to write to for an op that is only looked at. As many as a recipe has: blocks in blocks must end. */
static struct recipe_op *scratch_op(struct recipe_file *f)
{
        if (f->scratch_count++ < RECIPE_OPS_MAX)
                return &f->scratch;
        f->is_full = true;
        return NULL;
}

struct recipe_op *recipe_file_add_op(
    struct recipe_file *f, const struct yaml_node *node, enum recipe_op_kind kind)
{
        struct recipe *recipe = f->recipe;
        if (f->is_dry)
                return scratch_op(f);
        /* The last two places belong to the ends of the two sections, which have no node. */
        if (recipe->op_count >= RECIPE_OPS_MAX - 2 && node) {
                if (!f->is_full)
                        diag_error(f->r.d, reader_at_key(&f->r, node),
                            "the recipe is too long: at most %d steps, blocks put in", RECIPE_OPS_MAX - 2);
                f->is_full = true;
                return NULL;
        }
        struct recipe_op *op = &recipe->ops[recipe->op_count];
        f->op_text[recipe->op_count] = (uint8_t)f->text;
        f->op_node[recipe->op_count++] = node;
        *op = (struct recipe_op){.kind = (uint8_t)kind,
            .phase = (int16_t)f->phase,
            .tag = TOOL_NONE,
            .line = TOOL_NONE,
            .cond = -1,
            .note = -1,
            .jump = -1,
            .source_line =
                node ? (node->key ? node->key_line : node->line) + f->texts[f->text].lines_before : 0};
        return op;
}

struct diag_at recipe_file_at_op(const struct recipe_file *f, int32_t op)
{
        struct reader r = f->r;
        r.source = f->texts[f->op_text[op]].source;
        return reader_at_key(&r, f->op_node[op]);
}

void recipe_file_add_line(const struct recipe_file *f, struct text *t, int32_t op, int32_t seen_from)
{
        text_add(t, "of line %d", f->op_node[op]->key_line);
        if (f->op_text[op] != f->op_text[seen_from])
                text_add(t, " of %s", diag_path(f->r.d, f->texts[f->op_text[op]].source));
}

void recipe_file_end_section(struct recipe_file *f)
{
        recipe_file_add_op(f, NULL, RECIPE_END);
}

void recipe_file_read_blocks(struct recipe_file *f, const struct yaml_node *map)
{
        if (map->kind != YAML_MAP) {
                reader_error(&f->r, map, "blocks: takes a mapping of names to steps, not %s",
                    yaml_kind_name(map->kind));
                return;
        }
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                if (f->block_count == RECIPE_FILE_BLOCKS_MAX) {
                        diag_error(f->r.d, reader_at_key(&f->r, n), "too many blocks: at most %d",
                            RECIPE_FILE_BLOCKS_MAX);
                        return;
                }
                f->blocks[f->block_count++] =
                    (struct recipe_file_block){.name = n->key, .steps = n, .text = f->text};
        }
}

void recipe_file_check_unused_blocks(struct recipe_file *f)
{
        struct recipe *recipe = f->recipe;
        int conds = recipe->cond_count, notes = recipe->note_count, windows = f->windows;
        int16_t nodes = recipe->pool.count;
        bool was_full = f->is_full;
        /* Where a step could not be read, it may have been the one that uses the block. */
        bool is_sound = diag_errors(f->r.d) == f->errors_before;
        f->phase = 0;
        f->is_dry = true;
        for (int i = 0; i < f->block_count; i++) {
                struct recipe_file_block *block = &f->blocks[i];
                /* A library may hold more than one recipe needs, with parameters that this one does not have. */
                if (block->is_used || block->text > 0)
                        continue;
                if (is_sound)
                        diag_warning(f->r.d, reader_at_key(&f->r, block->steps), "block '%s' is not used",
                            block->name);
                f->scratch_count = 0;
                block->is_open = true;
                recipe_file_compile_steps(f, block->steps, block->name);
                block->is_open = false;
        }
        f->is_dry = false;
        f->is_full = was_full;
        recipe->cond_count = conds;
        recipe->note_count = notes;
        recipe->pool.count = nodes;
        f->windows = windows;
}

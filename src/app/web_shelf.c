#include "ald/app/web_shelf.h" /* own declarations */

#include "ald/app/web_bytes.h" /* web_bytes_drop, web_bytes_is_shared */
#include "ald/base/text.h"     /* text_copy */

#include <assert.h> /* assert */
#include <string.h> /* memmove, strcmp */

static void put_first(struct web_shelf *s, size_t i, const struct web_shelved *page)
{
        memmove(&s->pages[1], &s->pages[0], i * sizeof s->pages[0]);
        s->pages[0] = *page;
}

static void drop(struct web_shelf *s, size_t i)
{
        web_bytes_drop(s->pages[i].file.shared);
        s->count--;
        memmove(&s->pages[i], &s->pages[i + 1], (s->count - i) * sizeof s->pages[0]);
}

const struct web_file *web_shelf_find(struct web_shelf *s, int64_t run, const char *db, time_t now_s)
{
        for (size_t i = 0; i < s->count; i++) {
                const struct web_shelved one = s->pages[i];

                if (one.run != run || strcmp(one.db, db) != 0 || one.until < now_s)
                        continue;
                put_first(s, i, &one);
                return &s->pages[0].file;
        }
        return NULL;
}

/* What nobody reads and nobody will ask for. */
static void sweep(struct web_shelf *s, time_t now_s)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->count;) {
                const struct web_shelved *page = &s->pages[i];

                if (web_bytes_is_shared(page->file.shared) ||
                    (page->run > 0 && page->until >= now_s && kept++ < WEB_SHELF_KEPT))
                        i++;
                else
                        drop(s, i);
        }
}

static bool has_room(const struct web_shelf *s)
{
        size_t bytes = 0;

        for (size_t i = 0; i < s->count; i++)
                bytes += s->pages[i].file.len;
        return s->count < WEB_SHELF_MAX && bytes < WEB_SHELF_BYTES_MAX;
}

bool web_shelf_make_room(struct web_shelf *s, time_t now_s)
{
        sweep(s, now_s);
        for (size_t i = s->count; i-- > 0 && !has_room(s);)
                if (!web_bytes_is_shared(s->pages[i].file.shared))
                        drop(s, i);
        return has_room(s);
}

void web_shelf_add(
    struct web_shelf *s, int64_t run, const char *db, const struct web_file *file, time_t now_s)
{
        struct web_shelved page = {.run = run, .until = now_s + WEB_SHELF_KEPT_S, .file = *file};

        assert(s->count < WEB_SHELF_MAX);
        text_copy(page.db, sizeof page.db, db);
        put_first(s, s->count++, &page);
        sweep(s, now_s);
}

void web_shelf_clear(struct web_shelf *s)
{
        while (s->count > 0)
                drop(s, s->count - 1);
}

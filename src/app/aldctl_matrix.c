/* The cause-and-effect matrix of `aldctl interlocks`: a row for each interlock, a column for each output that any of them
 * moves. Columns have letters, which the legend explains, so that it stays readable at 100 columns. */
#include "ald/app/aldctl_matrix.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_* */

#include <string.h> /* strcmp */

enum { COLUMNS_MAX = 24, OUTPUTS_MAX = 256, LEGEND_MAX = 3 };

/* How a cell reads; the words are those of core/matrix.h as control tells them. */
static const struct {
        const char *effect;
        char sign, sign_away; /* away: to a value that is not the output's safe one */
        const char *help;
} signs[] = {
    {"forces", 'X', 'O', "X forced safe at once, O forced to another value"},
    {"ends at", 'x', 'o', "x o the same in order, once the pulse has ended"},
    {"permits", 'P', 'P', "P may be open only while"},
    {"then closes", 'c', 'c', "c closed by the hold that follows"},
    {"excludes", 'E', 'E', "E never open together"},
};
enum { SIGNS = sizeof signs / sizeof signs[0] };

struct columns {
        const char *names[OUTPUTS_MAX];
        size_t count;
};

static size_t find_column(const struct columns *c, const char *name)
{
        for (size_t i = 0; i < c->count; i++)
                if (strcmp(c->names[i], name) == 0)
                        return i;
        return c->count;
}

/* Every output that some interlock moves, as the tool has them: abort trips name all of them, in order. */
static void collect(json_t *locks, struct columns *c)
{
        c->count = 0;
        for (size_t i = 0; i < json_array_size(locks); i++) {
                const char *name;
                json_t *effect;
                json_object_foreach(json_object_get(json_array_get(locks, i), "effects"), name,
                    effect) if (find_column(c, name) == c->count && c->count < OUTPUTS_MAX)
                    c->names[c->count++] = name;
        }
}

static char sign_of(const json_t *effect)
{
        const char *name = json_string_value(json_array_get(effect, 0));

        if (name == NULL)
                return '.';
        for (size_t i = 0; i < SIGNS; i++)
                if (strcmp(signs[i].effect, name) == 0)
                        return json_is_true(json_array_get(effect, 2)) ? signs[i].sign : signs[i].sign_away;
        return '?';
}

static void print_cells(FILE *to, const json_t *lock, const struct columns *c, size_t first, size_t count)
{
        const json_t *effects = json_object_get(lock, "effects");

        for (size_t i = 0; i < count; i++)
                (void)fprintf(to, " %c", sign_of(json_object_get(effects, c->names[first + i])));
}

/* As much of the live values as the line has room for. */
static void print_values(FILE *to, const json_t *lock, int room)
{
        const char *values = show_get_text(lock, "values");
        size_t n = room > 0 ? show_fit(values, room) : 0;
        char buf[256];

        if (n >= sizeof buf)
                n = sizeof buf - 1;
        memcpy(buf, values, n);
        buf[n] = '\0';
        (void)fprintf(to, "  ");
        show_text(to, buf, false);
}

enum { ID_WIDTH = 24, STATE_WIDTH = 13 };

static void print_row(FILE *to, const json_t *lock, const struct columns *c, size_t first, size_t count)
{
        enum show_colour colour;
        const char *word = matrix_lock_word(lock, &colour);

        (void)fprintf(to, "%-*.*s %s%-*s%s", ID_WIDTH, ID_WIDTH, show_get_text(lock, "id"),
            show_colour(to, colour), STATE_WIDTH, word, show_colour(to, SHOW_PLAIN));
        print_cells(to, lock, c, first, count);
        print_values(to, lock, 100 - ID_WIDTH - 1 - STATE_WIDTH - 2 * (int)count - 2);
        (void)fputc('\n', to);
}

static void print_legend(FILE *to, const struct columns *c, size_t first, size_t count)
{
        for (size_t i = 0; i < count; i++)
                (void)fprintf(to, "%s%c %-*s", i % LEGEND_MAX == 0 ? (i > 0 ? "\n  " : "  ") : " ",
                    (char)('a' + (int)i), 30, c->names[first + i]);
        (void)fputc('\n', to);
}

void matrix_print(FILE *to, json_t *locks)
{
        struct columns c;

        collect(locks, &c);
        for (size_t first = 0; first < c.count; first += COLUMNS_MAX) {
                size_t count = c.count - first < COLUMNS_MAX ? c.count - first : COLUMNS_MAX;

                (void)fprintf(
                    to, "%s%-*s %-*s", show_colour(to, SHOW_BOLD), ID_WIDTH, "CAUSE", STATE_WIDTH, "STATE");
                for (size_t i = 0; i < count; i++)
                        (void)fprintf(to, " %c", (char)('a' + (int)i));
                (void)fprintf(to, "  NOW%s\n", show_colour(to, SHOW_PLAIN));
                for (size_t i = 0; i < json_array_size(locks); i++)
                        print_row(to, json_array_get(locks, i), &c, first, count);
                print_legend(to, &c, first, count);
        }
        for (size_t i = 0; i < SIGNS; i++)
                (void)fprintf(to, "%s%s", i == 0 ? "  " : i == 2 ? ",\n  " : ", ", signs[i].help);
        (void)fprintf(to, "\n");
}

const char *matrix_lock_word(const json_t *lock, enum show_colour *colour)
{
        const char *kind = show_get_text(lock, "kind");
        const json_t *is_true = json_object_get(lock, "is_true");

        *colour = SHOW_GREEN;
        if (strcmp(kind, "exclusive") == 0)
                return "in force";
        if (strcmp(kind, "permit") == 0) {
                if (json_is_true(json_object_get(lock, "is_permitted")))
                        return "permitted";
                *colour = SHOW_YELLOW;
                return "not permitted";
        }
        if (json_is_true(json_object_get(lock, "is_latched"))) {
                *colour = SHOW_RED;
                return "tripped";
        }
        *colour = SHOW_YELLOW;
        if (strcmp(kind, "suspend") != 0 && !json_is_true(json_object_get(lock, "is_armed")))
                return "not armed";
        if (json_is_null(is_true))
                return "cannot tell";
        *colour = json_is_true(is_true) ? SHOW_RED : SHOW_GREEN;
        return json_is_true(is_true) ? "true now" : "watching";
}

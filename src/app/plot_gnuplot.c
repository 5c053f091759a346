#include "ald/app/plot_gnuplot.h" /* own declarations */
#include "ald/base/text.h"        /* text_init */
#include "plot_child.h"           /* plot_child_run */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <stdio.h>  /* open_memstream */
#include <stdlib.h> /* free, getenv */
#include <string.h> /* strstr, strchr */

/* Told apart on white and on black, also by people who see red and green alike (Okabe and Ito, 2008); and without colour by
 * gnuplot's dashes (1 = solid) and marks (6 circle, 8 triangle, 4 square, 10 the other triangle, 12 diamond, 1 plus). */
static const struct {
        const char *colour;
        int dashes, mark;
} styles[] = {{"#0072b2", 1, 6}, {"#d55e00", 2, 8}, {"#009e73", 4, 4}, {"#cc79a7", 5, 10}, {"#e69f00", 3, 12},
    {"#56b4e9", 1, 1}, {"#8c6bb1", 2, 2}, {"#7f7f7f", 4, 14}};
enum { STYLES = sizeof styles / sizeof styles[0] };
/* Marks that a line carries; between them it is told by its dashes. */
enum { MARKS = 12 };
/* A whole number has a tic of its own on a scale that is no longer than this. */
enum { WHOLE_TICS = 20 };

/* ---- What gnuplot is told ---- */

/* A label between quotes. Nothing of the record may end them: what is not plainly a letter of a label is left out. */
static void put_label(FILE *to, const char *label)
{
        static const char plain[] = " ._-+/()%,:=";

        (void)fputc('\'', to);
        for (; *label != '\0'; label++) {
                bool ok = (*label >= '0' && *label <= '9') || (*label >= 'A' && *label <= 'Z') ||
                          (*label >= 'a' && *label <= 'z') || strchr(plain, *label) != NULL;

                (void)fputc(ok ? *label : '?', to);
        }
        (void)fputc('\'', to);
}

static void put_setting(FILE *to, const char *name, const char *label)
{
        (void)fprintf(to, "set %s ", name);
        put_label(to, label);
        (void)fputc('\n', to);
}

static void put_frame(FILE *to, const struct plot *p)
{
        (void)fprintf(to,
            "set terminal svg size %d,%d dynamic font 'system-ui,sans-serif,14' noenhanced\n"
            "set lmargin 10\nset rmargin %d\n"
            "set border %d\nset tics nomirror\nset grid lc rgb '#888888' lw 0.4\n"
            "set key outside top left horizontal Left reverse samplen 3\n",
            p->width, p->height, p->right_label != NULL ? 10 : 3, p->right_label != NULL ? 11 : 3);
        put_setting(to, "xlabel", p->x_label);
        put_setting(to, "ylabel", p->y_label);
        if (p->right_label != NULL) {
                put_setting(to, "y2label", p->right_label);
                (void)fputs("set y2tics\n", to);
        }
        if (p->from < p->to)
                (void)fprintf(to, "set xrange [%.9g:%.9g]\n", p->from, p->to);
        /* What autoscaling finds, but no more than zero. */
        if (p->has_zero)
                (void)fputs("set yrange [*<0:*]\nset y2range [*<0:*]\n", to);
        if (p->is_whole && p->to - p->from <= WHOLE_TICS)
                (void)fputs("set xtics 1\n", to);
        for (int i = 0; i < p->band_count; i++)
                (void)fprintf(to,
                    "set object %d rectangle from %.9g, graph 0 to %.9g, graph 1 behind fillcolor rgb "
                    "'#888888' "
                    "fillstyle transparent solid 0.3 noborder\n",
                    i + 1, p->bands[i].from, p->bands[i].to);
}

static void put_data(FILE *to, const struct plot *p)
{
        for (int i = 0; i < p->curve_count; i++) {
                const struct plot_curve *c = &p->curves[i];

                (void)fprintf(to, "$d%d << EOD\n", i);
                for (size_t k = 0; k < c->count; k++) {
                        if (isfinite(c->y[k]) && isfinite(c->x[k]))
                                (void)fprintf(to, "%.9g %.9g\n", c->x[k], c->y[k]);
                        else
                                (void)fputc('\n', to);
                }
                (void)fputs("EOD\n", to);
        }
}

static void put_curve(FILE *to, const struct plot_curve *c, int i)
{
        int style = c->style % STYLES;
        size_t every = c->count > MARKS ? c->count / MARKS : 1;

        (void)fprintf(to, "%s $d%d using 1:2 axes x1y%d ", i == 0 ? "plot" : ",", i, c->is_right ? 2 : 1);
        switch (c->look) {
        case PLOT_LINE:
                (void)fprintf(to, "with linespoints lw 1.5 dt %d pt %d ps 0.7 pi %zu lc rgb '%s' title ",
                    styles[style].dashes, styles[style].mark, every, styles[style].colour);
                break;
        case PLOT_MARKS:
                (void)fprintf(to, "with points pt %d ps 0.7 lc rgb '%s' title ", styles[style].mark,
                    styles[style].colour);
                break;
        case PLOT_FAINT:
                (void)fputs("with lines lw 0.5 lc rgb '#999999' notitle", to);
                return;
        }
        put_label(to, c->label);
}

static char *make_script(const struct plot *p, size_t *len)
{
        char *script = NULL;
        FILE *to = open_memstream(&script, len);

        if (to == NULL)
                return NULL;
        put_frame(to, p);
        put_data(to, p);
        for (int i = 0; i < p->curve_count; i++)
                put_curve(to, &p->curves[i], i);
        (void)fputc('\n', to);
        if (fclose(to) == 0)
                return script;
        free(script);
        return NULL;
}

/* ---- What it gives: a document of its own, to stand in a page beside others ---- */

/* An element that is left out with what it holds: names of things that only gnuplot knows. */
static const char *skip_element(const char *p)
{
        static const struct {
                const char *begins, *ends;
        } left_out[] = {{"<title>", "</title>"}, {"<desc>", "</desc>"}};

        for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
                const char *end;

                if (strncmp(p, left_out[i].begins, strlen(left_out[i].begins)) != 0)
                        continue;
                end = strstr(p, left_out[i].ends);
                return end != NULL ? end + strlen(left_out[i].ends) : NULL;
        }
        return NULL;
}

/* Length of what leads to an id at `p`: ids are one for all plots in gnuplot, but one for each in a page. */
static size_t leads_to_id(const char *p)
{
        static const char *const leads[] = {" id='", " id=\"", "href='#"};

        for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++)
                if (strncmp(p, leads[i], strlen(leads[i])) == 0)
                        return strlen(leads[i]);
        return 0;
}

static void copy_svg(FILE *to, const char *svg, const char *name, const char *text)
{
        const char *p = svg + strlen("<svg");

        (void)fprintf(to, "<svg role=\"img\" aria-label=\"%s\"", text);
        while (*p != '\0') {
                const char *behind = skip_element(p);
                size_t lead = leads_to_id(p);

                if (behind != NULL) {
                        p = behind;
                } else if (lead > 0) {
                        (void)fprintf(to, "%.*s%s-", (int)lead, p, name);
                        p += lead;
                } else {
                        /* Empty lines and indents are a third of it. */
                        if (*p != '\t' && !(*p == '\n' && p[1] == '\n'))
                                (void)fputc(*p, to);
                        p++;
                }
        }
}

static char *make_part(const char *document, const char *name, const char *text, size_t *len)
{
        const char *svg = strstr(document, "<svg");
        char *part = NULL;
        FILE *to;

        if (svg == NULL || strstr(svg, "</svg>") == NULL)
                return NULL;
        to = open_memstream(&part, len);
        if (to == NULL)
                return NULL;
        copy_svg(to, svg, name, text);
        if (fclose(to) == 0)
                return part;
        free(part);
        return NULL;
}

char *plot_gnuplot(
    const struct plot *plot, const char *name, const char *text, size_t *len, char why[PLOT_WHY_CAP])
{
        const char *told = getenv("ALD_GNUPLOT");
        const char *program = told != NULL && told[0] != '\0' ? told : "gnuplot";
        /* -d: without anybody's settings. */
        char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char[]){"-"}, NULL};
        size_t script_len = 0;
        char *script, *document, *svg = NULL;
        struct text t;

        assert(plot->curve_count > 0 && plot->curve_count <= PLOT_CURVES_MAX);
        text_init(&t, why, PLOT_WHY_CAP);
        script = make_script(plot, &script_len);
        if (script == NULL) {
                text_add(&t, "no memory");
                return NULL;
        }
        document = plot_child_run(program, argv, script, script_len, &t);
        free(script);
        if (document == NULL)
                return NULL;
        svg = make_part(document, name, text, len);
        if (svg == NULL && t.len == 0)
                text_add(&t, "%s gave no SVG", program);
        free(document);
        return svg;
}

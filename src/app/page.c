/* The page itself: its look, its contents list, its sections in order. Nothing in it is fetched from anywhere, and no script
 * is needed or allowed. */
#include "page.h" /* own declarations */

#include <string.h> /* strlen */

static const struct {
        const char *id, *title;
        void (*put)(struct page *r);
        bool begins_page; /* on paper */
} sections[] = {
    {"summary", "Summary", page_summary, false},
    {"product", "Powder, lot and recipe", page_made, false},
    {"methods", "Methods", page_methods, false},
    {"trends", "Pressure and temperatures", page_trends, false},
    {"overlay", "Pulses laid over one another", page_overlay, false},
    {"cycles", "Cycle by cycle", page_cycles, true},
    {"times", "Planned and actual times", page_times, true},
    {"waits", "Holds and stalls", page_waits, false},
    {"alarms", "Alarms", page_alarms, false},
    {"actions-of", "Operator actions", page_actions, false},
    {"tool", "State of the tool", page_tool, false},
    {"earlier", "What ran before", page_before, false},
    {"doses", "Dose ratio", page_dose, false},
    {"recipe", "Recipe", page_recipe, false},
    {"proof", "What this can be checked against", page_proof, false},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* gnuplot draws axes and words in black: they follow the page's ink. */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1b1b;--soft:#595959;--rule:#c8c8c8;--box:#f3f4f5;"
    "--good:#0b6b3a;--but:#8a5300;--bad:#a3161a}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#16181a;--ink:#e6e6e6;--soft:#a9adb1;--rule:#43474b;"
    "--box:#202427;--good:#5fce92;--but:#f0b35c;--bad:#ff8a85}figure svg{filter:brightness(1.4)}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem 1.25rem 4rem;max-width:66rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 1rem}\n"
    "h2{font-size:1.25rem;margin:2.5rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--rule)}\n"
    "h3{font-size:1rem;margin:1.5rem 0 .5rem}\n"
    "a{color:inherit}\n"
    "nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1.25rem}\n"
    "#summary{background:var(--box);border:1px solid var(--rule);border-radius:.4rem;padding:1rem 1.25rem;"
    "margin:1rem 0 1.25rem}\n"
    "#summary h2{display:none}\n"
    "#oddities{margin:.75rem 0 0;padding-left:1.2rem}\n"
    ".verdict{font-size:1.15rem;font-weight:600;margin:0 0 .75rem;border-left:.35rem "
    "solid;padding-left:.75rem}\n"
    ".good{color:var(--good)}.but{color:var(--but)}.bad{color:var(--bad)}\n"
    ".note,figcaption{color:var(--soft);font-size:.875rem;max-width:50rem}\n"
    ".missing{color:var(--soft);font-style:italic}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\n"
    ".wide{overflow-x:auto;margin:0 0 1rem}\n"
    ".wide table{overflow-wrap:normal}\n"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}\n"
    "thead th{border-bottom:1px solid var(--ink);vertical-align:bottom}\n"
    "tbody tr+tr>*{border-top:1px solid var(--rule)}\n"
    ".n{text-align:right;padding-left:.4rem}td.n{white-space:nowrap}\n"
    ".odd{font-weight:600}\n"
    ".facts th{overflow-wrap:normal;font-weight:400;color:var(--soft);padding-right:1.5rem}\n"
    "pre{background:var(--box);border:1px solid var(--rule);border-radius:.3rem;padding:.75rem 1rem;"
    "font-size:.8rem;line-height:1.4;white-space:pre-wrap}\n"
    "code,pre{font-family:ui-monospace,monospace}\n"
    "figure{margin:1rem 0 1.5rem;overflow-x:auto}\n"
    "figure svg{display:block;width:100%;min-width:34rem;height:auto}\n"
    "svg [color=black]{color:var(--ink)}svg [fill=black]{fill:var(--ink)}svg "
    "[stroke=black]{stroke:var(--ink)}\n"
    "@page{size:A4;margin:15mm 14mm}\n"
    "@media print{\n"
    ":root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--rule:#bbb;--box:#fff;--good:#000;--but:#"
    "000;"
    "--bad:#000}\n"
    "body{padding:0;max-width:none;font-size:10pt;line-height:1.4}\n"
    "h2{margin-top:1.5rem}\n"
    "h2,h3{break-after:avoid}\n"
    "figure,tr,.wide,#summary,.note{break-inside:avoid}\n"
    "p{orphans:3;widows:3}\n"
    ".note{break-before:avoid}\n"
    ".page{break-before:page}\n"
    ".page h2{margin-top:0}\n"
    "thead{display:table-header-group}\n"
    ".wide,figure{overflow:visible}\n"
    "table{font-size:8pt}th,td{padding:.1rem .5rem .1rem 0}\n"
    ".facts,.facts th{font-size:9.5pt}\n"
    "figure svg{min-width:0;filter:none}\n"
    "#pulses{line-height:1.2}#pulses td{padding-top:.04rem;padding-bottom:.04rem}\n"
    "pre{font-size:7.5pt;padding:.5rem;box-decoration-break:clone}code{font-size:8pt}\n"
    "}\n";

static void put_head(struct page *r)
{
        static const char begin[] =
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            "'unsafe-inline'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
        struct html *h = &r->html;

        html_raw(h, begin, strlen(begin));
        html_element(h, "title", NULL, "Run %lld: %s, %s", (long long)r->run.id, r->run.recipe, r->run.state);
        html_raw(h, "<style>\n", strlen("<style>\n"));
        html_raw(h, style, strlen(style));
        html_raw(h, "</style>\n</head>\n", strlen("</style>\n</head>\n"));
}

static void put_contents(struct page *r)
{
        html_open(&r->html, "nav", "aria-label", "Contents", HTML_END);
        html_open(&r->html, "ul", HTML_END);
        for (size_t i = 1; i < SECTIONS; i++) {
                char link[40];

                (void)snprintf(link, sizeof link, "#%s", sections[i].id);
                html_open(&r->html, "li", HTML_END);
                html_open(&r->html, "a", "href", link, HTML_END);
                html_put(&r->html, sections[i].title);
                html_close(&r->html, "a");
                html_close(&r->html, "li");
        }
        html_close(&r->html, "ul");
        html_close(&r->html, "nav");
}

static void put_section(struct page *r, size_t i)
{
        html_open(&r->html, "section", "id", sections[i].id, "class", sections[i].begins_page ? "page" : "on",
            HTML_END);
        html_element(&r->html, "h2", NULL, "%s", sections[i].title);
        sections[i].put(r);
        html_close(&r->html, "section");
}

void page_put(struct page *r, FILE *to)
{
        html_init(&r->html, to);
        put_head(r);
        html_open(&r->html, "body", HTML_END);
        html_element(&r->html, "h1", NULL, "Run %lld: %s", (long long)r->run.id,
            r->recipe != NULL && r->recipe->title[0] != '\0' ? r->recipe->title : r->run.recipe);
        for (size_t i = 0; i < SECTIONS; i++) {
                put_section(r, i);
                if (i == 0)
                        put_contents(r);
        }
        html_close(&r->html, "body");
        html_raw(&r->html, "</html>\n", strlen("</html>\n"));
}

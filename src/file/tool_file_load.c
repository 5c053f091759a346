/* The bus load of each link, once everything else is sound: what a plan takes can be told of a sound tool only. */
#include "ald/file/tool_file.h"

#include "ald/base/text.h" /* text_init */
#include "ald/link/load.h" /* load_refuses */

/* What is to be changed: a tag or a device where the refusal names one, else the link. */
static struct diag_at place_of(const struct tool_file *f, const struct load *load, int link)
{
        if (load->verdict == LOAD_STALE)
                return reader_at_key(&f->r, f->tag[load->tag].node);
        if (load->verdict == LOAD_UNFED)
                return reader_at_key(&f->r, f->device_node[load->device]);
        if (load->verdict == LOAD_DEVICE_FULL)
                return reader_at_key(&f->r, f->device_node[load->busiest]);
        return (struct diag_at){f->r.source, f->tool->links[link].line, 1};
}

void tool_file_check_load(struct tool_file *f)
{
        for (int i = 0; i < f->tool->link_count; i++) {
                char buf[360];
                struct text why;
                struct load load;
                text_init(&why, buf, sizeof buf);
                if (load_refuses(&load, f->tool, i, &why))
                        diag_error(
                            f->r.d, place_of(f, &load, i), "link '%s': %s", f->tool->links[i].name, buf);
        }
}

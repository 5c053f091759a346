#include "ald/file/file.h"

#include "ald/base/text.h" /* text_copy */

#include <errno.h>  /* errno */
#include <stdio.h>  /* fopen */
#include <stdlib.h> /* malloc, strtol */
#include <string.h> /* strerror, strcspn */

static void fail(struct diag *d, const char *path, int line, const char *what, const char *why)
{
        diag_error(d, (struct diag_at){diag_source(d, path, NULL, 0), line, line}, "%s%s%s", what,
            why[0] ? ": " : "", why);
}

char *file_read(const char *path, size_t *len, struct diag *d)
{
        FILE *from = fopen(path, "rbe");
        if (!from) {
                fail(d, path, 0, "cannot be opened", strerror(errno));
                return NULL;
        }
        /* One byte more than is allowed tells "too long" without asking for the size: it may be a pipe. */
        char *text = malloc(FILE_BYTES_MAX + 2);
        *len = text ? fread(text, 1, FILE_BYTES_MAX + 1, from) : 0;
        bool ok = false;
        if (!text)
                fail(d, path, 0, "memory is out", "");
        else if (ferror(from))
                fail(d, path, 0, "cannot be read", strerror(errno));
        else if (*len > FILE_BYTES_MAX)
                fail(d, path, 1, "longer than 256 KiB: no tool file or recipe is that long", "");
        else
                ok = true;
        fclose(from);
        if (!ok) {
                free(text);
                return NULL;
        }
        text[*len] = '\0';
        return text;
}

/* "HOST:PORT", "[V6]:PORT" or "HOST" (port 502). */
static bool take_tcp(struct tool_link *link, const char *text)
{
        bool is_v6 = text[0] == '[';
        const char *host = is_v6 ? text + 1 : text;
        size_t len = is_v6 ? strcspn(host, "]") : strcspn(host, ":");
        const char *rest = host + len + (is_v6 && host[len] == ']' ? 1 : 0);
        if (len == 0 || len >= sizeof link->host || strcspn(host, "/ ") < len ||
            (is_v6 && rest == host + len))
                return false;
        memcpy(link->host, host, len);
        link->host[len] = '\0';
        link->port = 502;
        if (*rest == '\0')
                return true;
        if (*rest != ':' || strspn(rest + 1, "0123456789") != strlen(rest + 1) || strlen(rest + 1) > 5)
                return false;
        link->port = (int)strtol(rest + 1, NULL, 10);
        return link->port >= 1 && link->port <= 65535;
}

bool file_link_address(struct tool_link *link, const char *address)
{
        if (strncmp(address, "tcp://", 6) == 0) {
                link->kind = TOOL_LINK_TCP;
                return take_tcp(link, address + 6);
        }
        link->kind = TOOL_LINK_RTU;
        return strncmp(address, "rtu:///", 7) == 0 && address[7] != '\0' &&
               text_copy(link->path, sizeof link->path, address + 6);
}

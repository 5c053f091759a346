/* The device profiles as shipped: every channel compiles, each says where its numbers come from, and what they make of a value is
 * what the device's manual prints (tests/table/profiles.txt). Then the ways in which profiles are found, or not. */
#include "unit/suite.h"

#include "ald/base/text.h"        /* text_add */
#include "ald/bus/frame.h"        /* frame_request, frame_reply */
#include "ald/file/shelf.h"       /* shelf_profiles */
#include "ald/file/yaml.h"        /* yaml_tree_parse */
#include "ald/link/codec.h"       /* codec_decode */
#include "ald/link/plan.h"        /* plan_build */
#include "ald/link/sched_state.h" /* sched_fill_write */

#include <dirent.h>   /* opendir */
#include <math.h>     /* fabs */
#include <stdio.h>    /* snprintf */
#include <sys/stat.h> /* mkdir */
#include <unistd.h>   /* unlink */

enum { TEXT_CAP = 1 << 16, CHANNELS_MAX = 12, PDU_MAX = 64, HEADER = 7 };

static const char *const table = "tests/table/profiles.txt";

/* A tool of one device on a profile: `tags` are lines of its tags. */
static void write_tool(struct text *t, const char *profile, const char *tags)
{
        text_add(t,
            "format: 1\ntool: bench\nlinks: {bus: {connect: \"tcp://127.0.0.1:1502\"}}\n"
            "devices: {d: {profile: %s, link: bus, slave_id: 5}}\ntags:\n%s"
            "equipment: {}\n",
            profile, tags);
}

/* Compile it with the shipped profiles; NULL with everything that is wrong on stderr. */
static struct tool *compile(const char *profile, const char *tags)
{
        static char text[TEXT_CAP];
        struct shelf shelf = {.count = 0};
        struct file_profiles profiles = shelf_profiles(&shelf);
        struct diag *d = diag_new();
        struct text t;
        text_init(&t, text, sizeof text);
        write_tool(&t, profile, tags);
        struct tool *tool =
            file_compile_tool_with("config/bench.yaml", text, strlen(text), &profiles, NULL, NULL, d);
        if (!tool) {
                diag_print(d, stderr, false);
                fputs(tags, stderr);
        }
        shelf_clear(&shelf);
        diag_free(d);
        return tool;
}

/* ---- frames ---- */

struct row {
        char profile[64], source[400], line[1000];
        bool is_write;
        int number; /* line of the table */
        uint8_t request[PDU_MAX], reply[PDU_MAX];
        int request_len, reply_len, channels;
        double values[CHANNELS_MAX];
        int value_count;
};

static int read_hex(const char *text, uint8_t *out)
{
        int len = 0, n = 0;
        unsigned byte;
        for (; sscanf(text, "%2x%n", &byte, &n) == 1; text += n)
                out[len++] = (uint8_t)byte;
        return len;
}

static void read_values(struct row *row, const char *text)
{
        for (char *end; row->value_count < CHANNELS_MAX; text = *end == ',' ? end + 1 : end) {
                double value = strtod(text, &end);
                if (end == text)
                        return;
                row->values[row->value_count++] = value;
        }
}

/* One line for each channel of the row: "t0: {device: d, channel: NAME, KEYS}". */
static void write_tags(struct row *row, struct text *t)
{
        char line[sizeof row->line];
        snprintf(line, sizeof line, "%s", row->line);
        char *is = row->is_write ? strstr(line, "} = ") : NULL;
        if (is) {
                read_values(row, is + 4);
                is[1] = '\0';
        }
        for (char *part = strtok(line, ";"); part; part = strtok(NULL, ";"), row->channels++) {
                char name[64], *keys = strchr(part, '{');
                ck_assert_int_eq(sscanf(part, " %63[a-z0-9_]", name), 1);
                text_add(t, "  t%d: {device: d, channel: %s%s%s}\n", row->channels, name, keys ? ", " : "",
                    keys ? keys + 1 : "");
                if (keys) /* the keys bring their own closing brace */
                        t->buf[t->len -= 2] = '\n', t->buf[++t->len] = '\0';
        }
}

/* The frames that the row's channels make are those of the table. */
static void check_request(const struct row *row, const struct sched_action *a)
{
        uint8_t frame[FRAME_MAX];
        int len = frame_request(a, 1, frame) - HEADER;
        ck_assert_msg(len == row->request_len && memcmp(frame + HEADER, row->request, (size_t)len) == 0,
            "%s:%d: %s of %s: request of %d bytes begins %02X %02X %02X %02X %02X", table, row->number,
            row->line, row->profile, len, frame[7], frame[8], frame[9], frame[10], frame[11]);
}

static struct sched_result give_reply(const struct row *row, const struct sched_action *a)
{
        uint8_t frame[FRAME_MAX] = {0, 1, 0, 0, 0, (uint8_t)(row->reply_len + 1), 5};
        struct sched_result result = {.outcome = SCHED_OK};
        memcpy(frame + HEADER, row->reply, (size_t)row->reply_len);
        frame_reply(a, 1, frame, HEADER + row->reply_len, &result);
        ck_assert_msg(
            result.outcome == SCHED_OK, "%s:%d: the reply is not taken: %s", table, row->number, result.text);
        return result;
}

static void check_write(const struct row *row, const struct tool *tool)
{
        struct sched *s = sched_new(tool, 0, 0);
        struct sched_action a = {.slave_id = 5};
        ck_assert_ptr_nonnull(s);
        ck_assert_int_eq(row->value_count, 1);
        ck_assert(sched_fill_write(s, &a, 0, row->values[0]));
        check_request(row, &a);
        give_reply(row, &a);
        sched_free(s);
}

/* The one request that reads all tags; a watchdog's status has another. */
static const struct plan_request *only_request(const struct row *row, const struct tool *tool)
{
        static struct plan plan;
        const struct plan_request *only = NULL;
        ck_assert(plan_build(&plan, tool, 0));
        for (int i = 0; i < plan.count; i++) {
                if (plan.request[i].tag_count == 0)
                        continue;
                ck_assert_msg(only == NULL, "%s:%d: several requests", table, row->number);
                only = &plan.request[i];
        }
        ck_assert_ptr_nonnull(only);
        return only;
}

static void check_read(const struct row *row, const struct tool *tool)
{
        const struct plan_request *r = only_request(row, tool);
        struct sched_action a = {
            .kind = SCHED_READ, .slave_id = 5, .reg = r->reg, .address = r->address, .count = r->count};
        check_request(row, &a);
        struct sched_result result = give_reply(row, &a);
        ck_assert_int_eq(row->value_count, row->channels);
        for (int i = 0; i < row->channels; i++) {
                const struct tool_tag *tag = &tool->tags[i];
                double value = codec_decode(tag, result.words + (tag->address - r->address));
                ck_assert_msg(fabs(value - row->values[i]) < 1e-9 * (1 + fabs(value)),
                    "%s:%d: channel %d is %g, not %g", table, row->number, i, value, row->values[i]);
        }
}

static void check_row(struct row *row)
{
        char tags[4000];
        struct text t;
        text_init(&t, tags, sizeof tags);
        write_tags(row, &t);
        ck_assert_msg(strlen(row->source) > 20, "%s:%d: whose frame is it?", table, row->number);
        ck_assert(row->request_len > 0 && row->reply_len > 0);
        struct tool *tool = compile(row->profile, tags);
        ck_assert_msg(tool != NULL, "%s:%d: does not compile", table, row->number);
        ck_assert_str_eq(tool->devices[0].profile, row->profile);
        if (row->is_write)
                check_write(row, tool);
        else
                check_read(row, tool);
        free(tool);
}

/* A line of the table into the row at work; true: the row is complete. */
static bool take_line(struct row *row, const char *line)
{
        if (strncmp(line, "profile: ", 9) == 0)
                snprintf(row->profile, sizeof row->profile, "%s", line + 9);
        else if (strncmp(line, "source: ", 8) == 0)
                snprintf(row->source, sizeof row->source, "%s", line + 8);
        else if (strncmp(line, "read: ", 6) == 0 || strncmp(line, "write: ", 7) == 0) {
                row->is_write = line[0] == 'w';
                snprintf(row->line, sizeof row->line, "%s", strchr(line, ' ') + 1);
        } else if (line[0] == '>')
                row->request_len = read_hex(line + 1, row->request);
        else if (line[0] == '<')
                row->reply_len = read_hex(line + 1, row->reply);
        else if (line[0] == '=')
                read_values(row, line + 1);
        else
                ck_assert_msg(line[0] == '#' || line[0] == '\0', "%s: '%s'", table, line);
        return line[0] == (row->is_write ? '<' : '=');
}

/* Call `see` with each row; its number. */
static int each_row(void (*see)(struct row *row, void *ctx), void *ctx)
{
        struct diag *d = diag_new();
        size_t len;
        int rows = 0, number = 0;
        char *text = file_read(table, &len, d);
        struct row row = {.number = 0};
        ck_assert_ptr_nonnull(text);
        for (char *line = text, *end; *line; line = end + 1) {
                end = strchr(line, '\n');
                *end = '\0';
                row.number = ++number;
                if (!take_line(&row, line))
                        continue;
                see(&row, ctx);
                rows++;
                struct row next = {.number = number};
                memcpy(next.profile, row.profile, sizeof next.profile);
                row = next;
        }
        free(text);
        diag_free(d);
        return rows;
}

static void see_check(struct row *row, void *ctx)
{
        (void)ctx;
        check_row(row);
}

START_TEST(frames_are_the_manuals)
{
        ck_assert_int_gt(each_row(see_check, NULL), 40);
}
END_TEST

/* Which profiles, written and read, have a row. */
struct covered {
        const char *profile;
        int reads, writes;
};

static void see_cover(struct row *row, void *ctx)
{
        struct covered *c = ctx;
        if (strcmp(row->profile, c->profile) != 0)
                return;
        c->reads += !row->is_write;
        c->writes += row->is_write;
}

/* ---- the shipped files ---- */

static const char *text_of(const struct yaml_node *map, const char *key)
{
        const struct yaml_node *node = yaml_node_get(map, key);
        return node && node->text ? node->text : "";
}

/* The tag that a tool would make of a channel, with what only the tool can say. */
static void write_tag(struct text *t, const struct yaml_node *channel)
{
        const char *reg = text_of(channel, "register"), *unit = text_of(channel, "unit");
        bool is_bit = strcmp(reg, "coil") == 0 || strcmp(reg, "discrete") == 0;
        bool is_bare = !unit[0] || strcmp(unit, "none") == 0;
        text_add(t, "  t: {device: d, channel: %s", channel->key);
        if (!is_bit && !unit[0])
                text_add(t, ", unit: none");
        if (strcmp(text_of(channel, "access"), "write") == 0) {
                text_add(t, is_bit ? ", safe: off" : ", limits: [0 %s, 9 %s], safe: 0 %s",
                    is_bare ? "" : unit, is_bare ? "" : unit, is_bare ? "" : unit);
                if (!yaml_node_get(channel, "failsafe"))
                        text_add(t, ", failsafe: \"external: test\"");
        }
        text_add(t, "}\n");
}

static void check_channel(const char *profile, const struct yaml_node *channel)
{
        char tags[400];
        struct text t;
        text_init(&t, tags, sizeof tags);
        write_tag(&t, channel);
        struct tool *tool = compile(profile, tags);
        ck_assert_msg(tool != NULL, "channel '%s' of '%s' does not compile", channel->key, profile);
        ck_assert_int_eq(tool->devices[0].is_verified, false);
        free(tool);
}

static void check_file(const char *name)
{
        struct covered covered = {.profile = name};
        struct diag *d = diag_new();
        char path[300];
        size_t len;
        int writable = 0;
        ck_assert(file_profile_path("config/x.yaml", name, path, sizeof path));
        char *text = file_read(path, &len, d);
        struct yaml_tree *tree = text ? yaml_tree_parse(text, len, 0, d) : NULL;
        ck_assert_msg(tree != NULL, "%s cannot be read", path);
        const struct yaml_node *root = yaml_tree_root(tree), *channels = yaml_node_get(root, "channels");
        /* Nobody has tried one of them: who says otherwise changes this test, with his name in the commit. */
        ck_assert_str_eq(text_of(root, "verified"), "no");
        ck_assert_msg(strlen(text_of(root, "source")) > 40 && strchr(text_of(root, "source"), ','),
            "%s names no manual", path);
        ck_assert_msg(strstr(text, "# Traps\n") != NULL, "%s names no traps", path);
        for (const struct yaml_node *n = channels->first; n; n = n->next) {
                check_channel(name, n);
                writable += strcmp(text_of(n, "access"), "write") == 0;
        }
        each_row(see_cover, &covered);
        ck_assert_msg(covered.reads > 0 && (covered.writes > 0) == (writable > 0),
            "%s: %d rows that read, %d that write in %s", name, covered.reads, covered.writes, table);
        yaml_tree_free(tree);
        free(text);
        diag_free(d);
}

START_TEST(every_shipped_profile)
{
        struct shelf shelf = {.count = 0};
        struct file_profiles profiles = shelf_profiles(&shelf);
        static char names[64][FILE_NAME_CAP];
        size_t count = profiles.list(&shelf, "config/x.yaml", names, 64);
        ck_assert_int_ge(count, 12);
        for (size_t i = 0; i < count; i++)
                check_file(names[i]);
}
END_TEST

/* The watchdog of the WAGO manuals (750-841, pages 162-165): 1 s is 10 counts of 100 ms at 0x1000. */
START_TEST(the_watchdog_of_a_coupler)
{
        struct tool *tool =
            compile("wago-750", "  v: {device: d, channel: do0, safe: off, failsafe: watchdog}\n");
        ck_assert_ptr_nonnull(tool);
        const struct tool_watchdog *w = &tool->devices[0].watchdog;
        ck_assert(w->present);
        ck_assert_int_eq(w->time_register, 0x1000);
        ck_assert_int_eq(w->timeout_us / w->time_unit_us, 10);
        ck_assert_int_eq(w->trigger_register, 0x1003);
        ck_assert_int_eq(w->status_register, 0x1006);
        free(tool);
}
END_TEST

/* ---- how they are found ---- */

static const char meter[] = "format: 1\nprofile: meter\ntitle: A meter\nsource: the manual\nverified: %s\n"
                            "address_base: 0\nbyte_order: ABCD\n"
                            "channels: {flow: {register: input, address: 3, type: FLOAT32, unit: sccm}}";

static char folder[] = "/tmp/test-profiles-XXXXXX";

static void path_in(char path[300], const char *name)
{
        snprintf(path, 300, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
        char path[300];
        path_in(path, name);
        FILE *to = fopen(path, "w");
        ck_assert_ptr_nonnull(to);
        fputs(text, to);
        fclose(to);
}

static void make_folder(void)
{
        char path[300];
        ck_assert_ptr_nonnull(mkdtemp(folder));
        path_in(path, "devices");
        ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void remove_folder(void)
{
        static const char *const names[] = {"devices/meter.yaml", "devices/other.yaml", "devices/big.yaml",
            "devices/dir.yaml", "devices", "tool.yaml", ""};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                char path[300];
                path_in(path, names[i]);
                remove(path);
        }
        memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

/* The tool in the folder, loaded; what is told goes to `told`, with the folder's name cut off. */
static struct tool *load(char **text, size_t *len, struct text *told)
{
        char path[300];
        struct diag *d = diag_new();
        path_in(path, "tool.yaml");
        struct tool *tool = file_load_tool(path, text, len, d);
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);
                text_add(told, "%s:%d: %s\n", diag_path(d, e->at.source) + strlen(folder) + 1, e->at.line,
                    e->text);
        }
        diag_free(d);
        return tool;
}

static void put_tool(const char *profile, const char *head)
{
        char text[2000];
        struct text t;
        text_init(&t, text, sizeof text);
        text_add(&t, "%s", head);
        write_tool(&t, profile, "  flow: {device: d, channel: flow}\n");
        put("tool.yaml", text);
}

static void put_meter(const char *verified)
{
        char text[1000];
        snprintf(text, sizeof text, meter, verified);
        put("devices/meter.yaml", text);
}

/* What the record keeps is everything that was read, and compiles to the same tool again, without the disk. */
START_TEST(one_text_holds_them_all)
{
        char *text = NULL, *again = NULL, told[1000];
        size_t len, len_again;
        struct text t;
        make_folder();
        text_init(&t, told, sizeof told);
        put_meter("yes");
        put_tool("meter", "");
        struct tool *tool = load(&text, &len, &t);
        ck_assert_ptr_nonnull(tool);
        ck_assert_str_eq(told, "");
        ck_assert(tool->devices[0].is_verified);
        ck_assert_str_eq(tool->devices[0].profile, "meter");
        ck_assert_uint_eq(strlen(text), len);
        ck_assert_ptr_nonnull(
            strstr(text, "# ---- profile: devices/meter.yaml ----\nformat: 1\nprofile: meter\n"));
        /* It changes with the profile, and only with it. */
        struct tool *same = load(&again, &len_again, &t);
        ck_assert(len == len_again && memcmp(text, again, len) == 0);
        free(same);
        free(again);
        put_meter("no");
        struct tool *other = load(&again, &len_again, &t);
        ck_assert(other != NULL && !other->devices[0].is_verified);
        ck_assert(strcmp(text, again) != 0);
        free(other);
        free(again);
        remove_folder();

        struct diag *d = diag_new();
        struct tool *replayed = file_compile_tool("tool of the run", text, len, d);
        ck_assert_ptr_nonnull(replayed);
        ck_assert(memcmp(replayed, tool, sizeof *tool) == 0);
        /* A byte of the profile less: it is missed. */
        ck_assert_ptr_null(file_compile_tool("tool of the run", text, len - strlen("unit: sccm}}"), d));
        diag_free(d);
        free(replayed);
        free(tool);
        free(text);
}
END_TEST

static void refuses(const char *profile, const char *wanted)
{
        char *text = NULL, told[2000];
        size_t len;
        struct text t;
        text_init(&t, told, sizeof told);
        put_tool(profile, "");
        struct tool *tool = load(&text, &len, &t);
        ck_assert_ptr_null(tool);
        ck_assert_ptr_null(text);
        ck_assert_msg(strcmp(told, wanted) == 0, "--- told\n%s--- wanted\n%s", told, wanted);
}

START_TEST(what_is_not_to_be_had)
{
        char path[300], wanted[1000];
        make_folder();
        put_meter("no");
        snprintf(wanted, sizeof wanted,
            "tool.yaml:4: profile: 'metre' cannot be read: %s/devices/metre.yaml: cannot be opened: No such "
            "file or "
            "directory: did you mean 'meter'?\n",
            folder);
        refuses("metre", wanted);
        snprintf(wanted, sizeof wanted,
            "tool.yaml:4: profile: 'thermocouple' cannot be read: %s/devices/thermocouple.yaml: cannot be "
            "opened: No "
            "such file or directory; here are: meter\n",
            folder);
        refuses("thermocouple", wanted);
        refuses("../tool", "tool.yaml:4: profile: '../tool' is no name: letters, digits, '.', '_' and '-', "
                           "beginning with a letter\n");
        refuses("a/meter", "tool.yaml:4: profile: 'a/meter' is no name: letters, digits, '.', '_' and '-', "
                           "beginning with a letter\n");
        refuses("..",
            "tool.yaml:4: profile: '..' is no name: letters, digits, '.', '_' and '-', beginning with a "
            "letter\n");
        /* A folder in its place. */
        path_in(path, "devices/dir.yaml");
        ck_assert_int_eq(mkdir(path, 0755), 0);
        snprintf(wanted, sizeof wanted,
            "tool.yaml:4: profile: 'dir' cannot be read: %s/devices/dir.yaml: cannot be read: Is a "
            "directory\n",
            folder);
        refuses("dir", wanted);
        if (geteuid() != 0) { /* root may read everything */
                path_in(path, "devices/meter.yaml");
                ck_assert_int_eq(chmod(path, 0), 0);
                snprintf(wanted, sizeof wanted,
                    "tool.yaml:4: profile: 'meter' cannot be read: %s/devices/meter.yaml: cannot be opened: "
                    "Permission denied\n",
                    folder);
                refuses("meter", wanted);
        }
        remove_folder();
}
END_TEST

START_TEST(what_is_too_long)
{
        char *big = malloc(FILE_BYTES_MAX + 100), wanted[1000], told[1000], *text = NULL;
        size_t len;
        struct text t;
        text_init(&t, told, sizeof told);
        make_folder();
        put_meter("no");
        memset(big, '#', FILE_BYTES_MAX + 50);
        big[FILE_BYTES_MAX + 50] = '\0';
        put("devices/big.yaml", big);
        snprintf(wanted, sizeof wanted,
            "tool.yaml:4: profile: 'big' cannot be read: %s/devices/big.yaml: longer than 256 KiB: no tool "
            "file or "
            "recipe is that long\n",
            folder);
        refuses("big", wanted);
        big[FILE_BYTES_MAX - 100] = '\0';
        put("devices/big.yaml", big);
        refuses("big", "tool.yaml:4: profile: with 'big' the tool file is longer than 256 KiB\n");
        /* Each fits by itself, but not both. */
        snprintf(big, 1000, meter, "no");
        big[strlen(big)] = '\n'; /* what it was filled with goes on as a comment */
        big[FILE_BYTES_MAX / 2] = '\0';
        put("devices/meter.yaml", big);
        memcpy(strstr(big, "meter"), "other", 5);
        put("devices/other.yaml", big);
        put_tool("meter, link: bus, slave_id: 6}, e: {profile: other", "");
        ck_assert_ptr_null(load(&text, &len, &t));
        ck_assert_str_eq(told, "tool.yaml:4: profile: with 'other' the tool file is longer than 256 KiB\n");
        free(big);
        remove_folder();
}
END_TEST

/* A comment like the line by which the record tells its texts apart: it could not be taken apart as it was. */
START_TEST(the_record_can_be_taken_apart)
{
        static const char head[] = "# ---- profile: devices/meter.yaml ----\n";
        char *text = NULL, told[2000];
        size_t len;
        struct text t;
        make_folder();
        put_meter("no");
        text_init(&t, told, sizeof told);
        /* Before the devices it misleads nobody. */
        put_tool("meter", head);
        struct tool *tool = load(&text, &len, &t);
        ck_assert_ptr_nonnull(tool);
        free(tool);
        free(text);
        char own[2000];
        struct text o;
        text_init(&o, own, sizeof own);
        write_tool(&o, "meter", "  flow: {device: d, channel: flow}\n");
        text_add(&o, "%s# a comment\n", head);
        put("tool.yaml", own);
        ck_assert_ptr_null(load(&text, &len, &t));
        ck_assert_ptr_nonnull(strstr(told, "a line looks like '# ---- profile: ... ----'"));
        /* Inside a profile, naming the next one. */
        char second[1000], inner[1000];
        snprintf(second, sizeof second, meter, "no");
        memcpy(strstr(second, "meter"), "other", 5);
        put("devices/other.yaml", second);
        snprintf(inner, sizeof inner, meter, "no");
        snprintf(inner + strlen(inner), sizeof inner - strlen(inner), "\n%s# its rest\n",
            "# ---- profile: devices/other.yaml ----\n");
        put("devices/meter.yaml", inner);
        put("tool.yaml",
            "format: 1\ntool: bench\nlinks: {bus: {connect: \"tcp://127.0.0.1:1502\"}}\ndevices:\n"
            "  d: {profile: meter, link: bus, slave_id: 5}\n  e: {profile: other, link: bus, slave_id: 6}\n"
            "tags: {flow: {device: d, channel: flow}}\nequipment: {}\n");
        text_init(&t, told, sizeof told);
        ck_assert_ptr_null(load(&text, &len, &t));
        ck_assert_ptr_nonnull(strstr(told, "tool.yaml:0: a line looks like"));
        put_meter("no");
        tool = load(&text, &len, &t);
        ck_assert_ptr_nonnull(tool);
        free(tool);
        free(text);
        remove_folder();
}
END_TEST

/* No profiles where none can be looked for; and so many that there is an end. */
START_TEST(how_many)
{
        static char text[TEXT_CAP];
        struct diag *d = diag_new();
        struct text t;
        text_init(&t, text, sizeof text);
        text_add(&t, "format: 1\ntool: bench\nlinks: {bus: {connect: \"tcp://127.0.0.1:1502\"}}\ndevices:\n");
        for (int i = 0; i < FILE_PROFILES_MAX + 2; i++)
                text_add(&t, "  d%d: {profile: p%d, link: bus, slave_id: %d}\n", i, i, i + 1);
        text_add(&t, "tags: {}\nequipment: {}\n");
        ck_assert_ptr_null(file_compile_tool("tool.yaml", text, t.len, d));
        ck_assert_uint_eq(diag_errors(d), FILE_PROFILES_MAX + 2);
        ck_assert_ptr_nonnull(strstr(diag_entry(d, 0)->text, "it is not in the text"));
        ck_assert_str_eq(diag_entry(d, FILE_PROFILES_MAX)->text, "profile: too many of these: at most 12");
        diag_free(d);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("profiles");
        TCase *tc = tcase_create("profiles");
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, frames_are_the_manuals);
        tcase_add_test(tc, every_shipped_profile);
        tcase_add_test(tc, the_watchdog_of_a_coupler);
        tcase_add_test(tc, one_text_holds_them_all);
        tcase_add_test(tc, what_is_not_to_be_had);
        tcase_add_test(tc, what_is_too_long);
        tcase_add_test(tc, the_record_can_be_taken_apart);
        tcase_add_test(tc, how_many);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}

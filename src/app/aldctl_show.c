#include "ald/app/aldctl_show.h" /* own declarations */

#include "ald/base/time.h" /* time_add_duration, TIME_S */

#include <assert.h>    /* assert */
#include <errno.h>     /* errno */
#include <fcntl.h>     /* open, fcntl */
#include <math.h>      /* isfinite */
#include <poll.h>      /* poll */
#include <stdarg.h>    /* va_list */
#include <stdlib.h>    /* getenv */
#include <string.h>    /* strcmp, strerror */
#include <sys/ioctl.h> /* TIOCGWINSZ */
#include <time.h>      /* localtime_r, timegm */
#include <unistd.h>    /* isatty */

void show_open(void)
{
        /* The lowest free number is taken, so that 0 comes before 2. */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static bool is_reader_gone(int fd)
{
        struct pollfd end = {.fd = fd, .events = POLLOUT};

        return poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0;
}

bool show_close(void)
{
        int why = fflush(stdout) == 0 ? 0 : errno;

        if (!ferror(stdout) || is_reader_gone(STDOUT_FILENO))
                return true;
        show_error("not everything could be written to the standard output%s%s", why != 0 ? ": " : "",
            why != 0 ? strerror(why) : "");
        return false;
}

bool show_has_colour(FILE *to)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        if (no != NULL && no[0] != '\0')
                return false;
        return isatty(fileno(to)) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

const char *show_colour(FILE *to, enum show_colour colour)
{
        static const char *const escapes[] = {[SHOW_PLAIN] = "\033[0m",
            [SHOW_BOLD] = "\033[1m",
            [SHOW_DIM] = "\033[2m",
            [SHOW_RED] = "\033[31m",
            [SHOW_GREEN] = "\033[32m",
            [SHOW_YELLOW] = "\033[33m"};

        return show_has_colour(to) ? escapes[colour] : "";
}

void show_text(FILE *to, const char *text, bool lines)
{
        for (const char *c = text; *c != '\0'; c++) {
                bool is_control = (unsigned char)*c < ' ' || *c == 0x7F;
                (void)fputc(is_control && !(lines && (*c == '\n' || *c == '\t')) ? '?' : *c, to);
        }
}

void show_error(const char *fmt, ...)
{
        char buf[1024];
        struct text t;
        va_list args;

        text_init(&t, buf, sizeof buf);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        (void)fflush(stdout);
        (void)fprintf(stderr, "%serror:%s ", show_colour(stderr, SHOW_RED), show_colour(stderr, SHOW_PLAIN));
        show_text(stderr, buf, true);
        (void)fputc('\n', stderr);
}

void show_json(json_t *value)
{
        /* Control characters are escaped by JSON itself. */
        (void)json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        json_decref(value);
}

void show_local(int64_t wall_us, bool with_date, char out[SHOW_TIME_CAP])
{
        time_t seconds = (time_t)(wall_us / TIME_S);
        struct tm tm;

        if (localtime_r(&seconds, &tm) == NULL ||
            strftime(out, SHOW_TIME_CAP, with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm) == 0)
                text_copy(out, SHOW_TIME_CAP, "?");
}

int64_t show_parse_time(const char *utc)
{
        struct tm tm = {.tm_year = 0};
        const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);
        int64_t us = 0, place = 100000;

        if (rest == NULL)
                return -1;
        if (*rest == '.')
                for (rest++; *rest >= '0' && *rest <= '9'; rest++, place /= 10)
                        us += (*rest - '0') * place;
        return *rest == 'Z' ? (int64_t)timegm(&tm) * TIME_S + us : -1;
}

void show_add_seconds(struct text *t, double seconds)
{
        int64_t us;

        if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
                text_add(t, "?");
                return;
        }
        us = (int64_t)(seconds * 10 + 0.5) * (TIME_S / 10);
        if (us >= 10 * TIME_S)
                us = (us + TIME_S / 2) / TIME_S * TIME_S;
        if (us == 0)
                text_add(t, "0 s");
        else
                time_add_duration(t, us);
}

const char *show_get_text(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text != NULL ? text : "";
}

double show_get_number(const json_t *object, const char *key, double otherwise)
{
        const json_t *value = json_object_get(object, key);

        return json_is_number(value) ? json_number_value(value) : otherwise;
}

int show_columns(FILE *to)
{
        struct winsize size;

        if (isatty(fileno(to)) != 1)
                return 0;
        if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
                return 80;
        return size.ws_col;
}

size_t show_fit(const char *text, int columns)
{
        size_t i = 0;

        assert(columns >= 0);
        for (; text[i] != '\0'; i++)
                if (((unsigned char)text[i] & 0xC0) != 0x80 && columns-- == 0)
                        break;
        return i;
}

size_t show_fit_words(const char *text, int columns)
{
        size_t fits = show_fit(text, columns), n = fits;

        if (text[fits] == '\0')
                return fits;
        while (n > 0 && text[n] != ' ')
                n--;
        return n > 0 ? n : fits;
}

void show_wrapped(FILE *to, const char *text, int at, int indent)
{
        int columns = show_columns(to), left = columns - at;
        char row[1024];

        /* No terminal, or one too narrow for rows. */
        while (left > 20 && columns - indent > 20 && text[show_fit(text, left)] != '\0') {
                size_t n = show_fit_words(text, left);
                (void)snprintf(row, sizeof row, "%.*s", (int)n, text);
                show_text(to, row, false);
                (void)fprintf(to, "\n%*s", indent, "");
                text += n + (text[n] == ' ');
                left = columns - indent;
        }
        show_text(to, text, false);
}

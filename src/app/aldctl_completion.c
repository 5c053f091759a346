/* aldctl completion: what makes a shell complete. The scripts know nothing: they ask this program, whose tables do. */
#include "ald/app/aldctl.h"          /* own declarations */
#include "ald/app/aldctl_complete.h" /* aldctl_complete */
#include "ald/app/aldctl_show.h"     /* show_error, show_text */

#include <signal.h>   /* sigaction */
#include <string.h>   /* strcmp */
#include <sys/time.h> /* setitimer */
#include <unistd.h>   /* _exit */

/* A person waits for it, with a hand on the key: a daemon that is there answers within milliseconds. */
enum { PATIENCE_S = 2 };

static const char bash_script[] =
    "# Completion of aldctl for bash, by `aldctl completion bash`.\n"
    "_aldctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} line suffix\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :files*)\n"
    "            suffix=${line#:files }\n"
    "            [ \"$cur\" = = ] && cur=\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r line; do\n"
    "                COMPREPLY+=(\"$line\")\n"
    "            done < <(compgen -d -- \"$cur\"; compgen -f -X \"!*${suffix:+.$suffix}\" -- \"$cur\" |\n"
    "                while IFS= read -r line; do [ -d \"$line\" ] || printf '%s\\n' \"$line\"; done)\n"
    "            ;;\n"
    "        *)\n"
    "            COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "            [[ ${COMPREPLY[-1]} == *= ]] && compopt -o nospace 2>/dev/null\n"
    "            ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _aldctl aldctl\n";

static const char zsh_script[] =
    "#compdef aldctl\n"
    "# Completion of aldctl for zsh, by `aldctl completion zsh`.\n"
    "_aldctl() {\n"
    "    local line suffix\n"
    "    local -a found shown\n"
    "    for line in \"${(@f)$($words[1] completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        case $line in\n"
    "        (:files*)\n"
    "            suffix=${line#:files }\n"
    "            _files -g \"*${suffix:+.$suffix}\"\n"
    "            ;;\n"
    "        (?*)\n"
    "            found+=(\"${line%%$'\\t'*}\")\n"
    "            shown+=(\"${line/$'\\t'/  }\")\n"
    "            ;;\n"
    "        esac\n"
    "    done\n"
    "    (( $#found )) && compadd -l -d shown -a found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _aldctl ]; then _aldctl \"$@\"; else compdef _aldctl aldctl; fi\n";

/* What is not there in time is not there: the shell goes on without. */
static void give_up(int signal)
{
        (void)signal;
        _exit(ALDCTL_FAILED);
}

static void be_quick(void)
{
        const struct itimerval patience = {.it_value.tv_sec = PATIENCE_S};
        struct sigaction action = {.sa_handler = give_up};

        (void)sigaction(SIGALRM, &action, NULL);
        (void)setitimer(ITIMER_REAL, &patience, NULL);
}

static void print_word(void *ctx, const char *word, const char *about)
{
        (void)ctx;
        show_text(stdout, word, false);
        if (about[0] != '\0')
                (void)fputc('\t', stdout);
        show_text(stdout, about, false);
        (void)fputc('\n', stdout);
}

enum aldctl_exit aldctl_completion(const struct aldctl_command *self, const struct aldctl_options *o)
{
        const struct aldctl_values_to to = {print_word, NULL};

        if (strcmp(o->words[0], "bash") == 0 && o->word_count == 1) {
                (void)fputs(bash_script, stdout);
        } else if (strcmp(o->words[0], "zsh") == 0 && o->word_count == 1) {
                (void)fputs(zsh_script, stdout);
        } else if (strcmp(o->words[0], "words") == 0 && o->word_count > 1) {
                be_quick();
                aldctl_complete(&o->words[1], o->word_count - 1, o, &to);
        } else {
                show_error("usage: aldctl %s %s", self->name, self->usage);
                return ALDCTL_USAGE;
        }
        return ALDCTL_OK;
}

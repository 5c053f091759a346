/* Load for the bench: `load cpu` computes, `load disk FILE` writes and syncs, until it is ended. */
#include <fcntl.h>  /* open */
#include <stdio.h>  /* perror */
#include <string.h> /* strcmp */
#include <unistd.h> /* write */

enum { BLOCK = 65536, BLOCKS = 512 };

static int write_disk(const char *path)
{
        static char block[BLOCK];
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        for (long n = 0; fd >= 0; n++) {
                block[0] = (char)n;
                if (pwrite(fd, block, BLOCK, n % BLOCKS * BLOCK) != BLOCK || fsync(fd) != 0)
                        break;
        }
        perror(path);
        return 1;
}

int main(int argc, char **argv)
{
        volatile unsigned long n = 0;

        if (argc == 3 && strcmp(argv[1], "disk") == 0)
                return write_disk(argv[2]);
        if (argc != 2 || strcmp(argv[1], "cpu") != 0) {
                fprintf(stderr, "usage: load cpu | load disk FILE\n");
                return 2;
        }
        for (;;)
                n = n * 3 + 1;
}

"""Clients of a daemon that subscribe and read all that comes: clients.py SOCKET COUNT OTHERS GROUP. Says "ready N" when all
have.

One user may have eight connections, of which OTHERS are taken: by the run's aldctl, the bench's operator, and who else looks
on. Root plays further users, of a group that the bench's tool file lets look on; anybody else stays at the rest."""
import grp
import os
import selectors
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import ald  # noqa: E402  Client

PER_USER, FIRST_UID = 8, 60001


def subscribed(path, uid, gid):
    """A client of that user; None: ourselves."""
    if uid is not None:
        os.setegid(gid)
        os.seteuid(uid)
    try:
        client = ald.Client(path)
    finally:
        if uid is not None:
            os.seteuid(0)
            os.setegid(0)
    client.subscribe()
    client.sock.setblocking(False)
    return client


def main():
    path, count, others, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), grp.getgrnam(sys.argv[4]).gr_gid
    users = [None] * (PER_USER - others)
    if os.geteuid() == 0:
        os.setgroups([])
        os.chmod(os.path.dirname(path), 0o755)
        os.chmod(path, 0o666)
        users += [FIRST_UID + i // PER_USER for i in range(count - len(users))]
    selector = selectors.DefaultSelector()
    for uid in users[:count]:
        selector.register(subscribed(path, uid, gid).sock, selectors.EVENT_READ)
    print(f"ready {len(users[:count])}", flush=True)
    while True:
        for key, _ in selector.select():
            if not key.fileobj.recv(1 << 16):
                return 1


if __name__ == "__main__":
    sys.exit(main())

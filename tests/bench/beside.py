"""Who is beside a daemon of the bench: subscribed clients, and with `watchers` the browsers of an aldweb, a terminal, hooks.
That they were there, all the time, is looked at: a condition without them would say nothing."""
import os
import re
import sys

import plans
import rig

# Connections of a daemon beside its clients': of the run's aldctl and the operator; of aldweb and aldctl top.
OTHERS, WATCHERS = 2, 2


def start(r, condition, p):
    """What the condition wants beside one daemon."""
    if condition.browsers:
        p.watchers = [*start_web(r, condition, p), start_top(r, p)]
    if condition.clients:
        start_clients(r, condition, p)


def start_clients(r, condition, p):
    others = OTHERS + (WATCHERS if condition.browsers else 0)
    clients = r.add("clients of " + p.label, [sys.executable, "-B", os.path.join(rig.HERE, "clients.py"), p.sock,
                                              str(condition.clients), str(others), plans.GROUP])
    p.clients = [clients]
    count = int(r.await_text(clients, r"^ready (\d+)")[1])
    if count < condition.clients:
        condition.title = condition.title.replace(
            plans.ALL, f"{count + others} subscribed clients (one user may have no more)")


def start_watcher(r, p, kind, *args):
    return r.add(f"{kind} of {p.label}", [sys.executable, "-B", os.path.join(rig.HERE, "watchers.py"), kind, *args])


def start_web(r, condition, p):
    """aldweb on a port that the kernel chose, and the browsers."""
    web = r.start("aldweb of " + p.label, "aldweb", "--socket", p.sock, "--listen", "127.0.0.1:0")
    web.has_children = True  # aldctl, which makes a report
    host, port = r.await_text(web, r"^aldweb: http://([\d.]+):(\d+)/$").groups()
    browsers = start_watcher(r, p, "browsers", host, port, str(condition.browsers))
    r.await_text(browsers, "^ready")
    return web, browsers


def start_top(r, p):
    top = start_watcher(r, p, "terminal", r.program("aldctl"), "--socket", p.sock, "--db", p.db, "top")
    r.await_text(top, "^ready")
    return top


# ---- Were they there? ----

def gone(p):
    """Those who did not stay until the end of the pulses: [text]."""
    return [f"the {c.name} did not stay: {c.text()[-300:].strip()}" for c in p.clients + p.watchers if not c.is_running()]


def seen(p, pulses, events):
    """{what: how often}, once they have ended; {}: nobody looked on. pulses, events: rows of the record."""
    if not p.watchers or not pulses:  # a run without pulses is wrong enough
        return {}
    said = "".join(c.text() for c in p.watchers)
    found = {key: int((re.search(rf"^{key} (\d+)$", said, re.M) or [0, 0])[1]) for key in ("events", "pages", "failed", "drawn")}
    from_us, until_us = pulses[0]["planned_open_us"], pulses[-1]["planned_open_us"]
    found["hooks"] = len([e for e in events if e["kind"] == "notify" and e["severity"] == "info" and
                          re.search(r"\(alarm\b.*\) done", e["text"]) and from_us <= e["t_us"] <= until_us])
    found["floods"] = len([e for e in events if e["kind"] == "alarm" and e["source"] == "flood"])
    found["seconds"] = (until_us - from_us) // 1000000
    return found


def pool(parts):
    """What was seen in all runs."""
    return {key: sum(part.get(key, 0) for part in parts) for key in {k: 0 for part in parts for k in part}}


def missing(found):
    """What was not seen often enough: [text]. Events and pictures come several times a second, hooks eight times."""
    if not found:
        return []
    seconds = found["seconds"]
    least = {"events": seconds, "drawn": seconds // 2, "hooks": seconds, "pages": seconds // 10, "floods": 1}
    wrong = [f"too little was seen: {found[k]} {k} in {seconds} s" for k, n in least.items() if found[k] < max(n, 1)]
    return wrong + ([f"{found['failed']} pages were refused"] if found["failed"] else [])

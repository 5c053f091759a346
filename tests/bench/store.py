#!/usr/bin/python3
"""What the run database costs and gives: a load of samples through the daemon's own writer, and trends of a year of them.

Usage: store.py [--build DIR] [--folder DIR] [--hours H] [--year-tags N] [--raw-days D]

The year is written by SQL as the writer would have left it: rollups of N tags at 1 Hz over 365 days, and the samples of
the last D days. Trends are timed as whole processes of `aldctl trend --csv`, warm and after the file was dropped from
the page cache."""
import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

DAY = 86400
BEGIN_S = 1767225600  # 2026-01-01T00:00:00Z
PERIODS_S = (10, 300, 7200)


def say(text):
    print(text, flush=True)


def fill_month(db, tag, begin, end):
    """A sine a day with noise; a spike of 9 for one sample on some days, which no trend may lose."""
    value = "2.3 + sin(n.t / 13751.0 + :tag)"
    for period in PERIODS_S:
        db.execute(f"""
            WITH RECURSIVE n(t) AS (SELECT :begin UNION ALL SELECT t + {period} FROM n WHERE t + {period} < :end)
            INSERT INTO sample_rollup(tag_id, period, t_us, min, max, mean, count, uncertain, bad)
            SELECT :tag, {period} * 1000000, n.t * 1000000, {value} - 0.01,
                   CASE WHEN n.t <= s.at AND s.at < n.t + {period} THEN 9.0 ELSE {value} + 0.01 END, {value}, {period}, 0, 0
            FROM n JOIN (SELECT (:begin + :end) / 2 / 7200 * 7200 + 4321 AS at) s""",
                   {"tag": tag, "begin": begin, "end": end})


def fill_samples(db, tag, begin, end):
    db.execute("""
        WITH RECURSIVE n(t) AS (SELECT :begin UNION ALL SELECT t + 1 FROM n WHERE t + 1 < :end)
        INSERT INTO sample SELECT :tag, t * 1000000 + :tag * 31, 2.3 + sin(t / 13751.0 + :tag), 0 FROM n""",
               {"tag": tag, "begin": begin, "end": end})


def make_year(store, path, tags, raw_days):
    """The schema is the program's own."""
    subprocess.run([store, path, "0.001", str(tags)], check=True, stdout=subprocess.DEVNULL)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-200000")
    end = BEGIN_S + 365 * DAY
    for table in ("sample", "sample_rollup", "rollup_mark"):
        db.execute(f"DELETE FROM {table}")
    for month in range(12):
        begin = BEGIN_S + 365 * DAY * month // 12 // 7200 * 7200
        until = BEGIN_S + 365 * DAY * (month + 1) // 12 // 7200 * 7200
        db.execute("BEGIN")
        for tag in range(1, tags + 1):
            fill_month(db, tag, begin, until)
            fill_samples(db, tag, max(begin, end - raw_days * DAY), until) if until > end - raw_days * DAY else None
        db.execute("COMMIT")
        say(f"  month {month + 1} of 12, {os.path.getsize(path) / 1e9:.2f} GB")
    for tag in range(1, tags + 1):
        for period in PERIODS_S:
            db.execute("INSERT INTO rollup_mark VALUES(?, ?, ?)", (tag, period * 1000000, end * 1000000))
        db.execute("INSERT INTO rollup_mark VALUES(?, 0, ?)", (tag, (end - raw_days * DAY) * 1000000))
    db.execute("PRAGMA journal_mode=WAL")
    db.close()


def drop_cache(path):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def utc(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def trend(aldctl, path, tag, begin, end):
    begun = time.monotonic()
    done = subprocess.run([aldctl, "--db", path, "trend", f"tag.{tag:03}", "--from", utc(begin), "--to", utc(end),
                           "--csv"], check=True, capture_output=True, encoding="utf-8")
    took = time.monotonic() - begun
    rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
    return took * 1e3, len(rows), max((float(row[3]) for row in rows if row[3]), default=0.0)


def time_trends(aldctl, path, tags, raw_days, tries):
    end = BEGIN_S + 365 * DAY
    windows = (("10 min", 600), ("1 h", 3600), ("12 h", DAY // 2), ("1 d", DAY), ("10 d", 10 * DAY), ("30 d", 30 * DAY),
               ("90 d", 90 * DAY), ("1 year", 365 * DAY))
    say(f"{'window':>8} {'of the last':>12} {'points':>7} {'median':>8} {'worst':>8} {'cold worst':>11}   ms")
    worst = 0.0
    for name, length in windows:
        for where, days in (("year", 365), (f"{raw_days} d", raw_days)):
            if length > days * DAY:
                continue
            took, cold, points = [], [], []
            for _ in range(tries):
                tag = random.randrange(tags)
                begin = end - days * DAY + random.randrange(max(1, days * DAY - length))
                drop_cache(path)
                ms, count, top = trend(aldctl, path, tag, begin, begin + length)
                cold.append(ms)
                points.append(count)
                took.append(trend(aldctl, path, tag, begin, begin + length)[0])
                if length >= 90 * DAY and top != 9.0:
                    sys.exit(f"a spike was lost: {name} of tag {tag} from {utc(begin)}")
            worst = max(worst, max(took))
            say(f"{name:>8} {where:>12} {max(points):>7} {statistics.median(took):>8.1f} {max(took):>8.1f}"
                f" {max(cold):>11.1f}")
    say(f"worst of all, warm: {worst:.1f} ms as a whole process; asked: under 100 ms")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--folder", help="where the databases are made (several GB with many tags); a temporary one else")
    p.add_argument("--hours", type=float, default=1.0, help="of load; 24 takes about 20 min")
    p.add_argument("--year-tags", type=int, default=5, help="50 takes about 10 min and 12 GB")
    p.add_argument("--raw-days", type=int, default=10)
    p.add_argument("--tries", type=int, default=10)
    p.add_argument("--only", choices=("load", "trend"))
    args = p.parse_args()
    store, aldctl = os.path.join(args.build, "bench", "store"), os.path.join(args.build, "aldctl")
    with tempfile.TemporaryDirectory(prefix="ald-bench-", dir=args.folder) as folder:
        if args.only != "trend":
            for tags in (50, 100):
                subprocess.run([store, os.path.join(folder, "load.db"), str(args.hours), str(tags)], check=True)
        if args.only != "load":
            path = os.path.join(folder, "year.db")
            say(f"a year of {args.year_tags} tags, samples of the last {args.raw_days} d at 1 Hz:")
            make_year(store, path, args.year_tags, args.raw_days)
            time_trends(aldctl, path, args.year_tags, args.raw_days, args.tries)


if __name__ == "__main__":
    main()

"""What the bench says of a log of edges: pulses found, pulses planned, which is which, and how far apart they are.
Pure: lists in, numbers out, all in microseconds of the monotonic clock. tests/bench/test_measure.py holds it to account."""
import bisect
import statistics

# An edge cannot come before its plan but by the clocks' conversion; a pulse that is later belongs to the next plan.
EARLY_US = 5000
# A stall disturbs an edge from a little before its plan to its effect.
BEFORE_US = 2000


def read_edges(lines, tag):
    """[(time, value)] of one output from lines `TAG VALUE TIME`; a last line without its end is left out."""
    found = []
    for line in lines:
        words = line.split()
        if line.endswith("\n") and len(words) == 3 and words[0] == tag:
            found.append((int(words[2]), float(words[1])))
    return found


def pulses_of(edges):
    """[(opened, closed)]; one that is still open at the end has no close and is left out."""
    found, opened = [], None
    for at, value in edges:
        if value != 0 and opened is None:
            opened = at
        elif value == 0 and opened is not None:
            found.append((opened, at))
            opened = None
    return found


def match(planned, actual):
    """Which pulse is whose. planned: [(open, width)], actual: [(opened, closed)], both in order.
    (pairs, lost, merged, extra): pairs of (planned, actual); lost: a plan that nothing came of; merged: a plan at whose
    opening the pulse before was still open; extra: a pulse that nobody planned."""
    opens = [p[0] for p in planned]
    owner = {}
    extra = 0
    for a in actual:
        i = bisect.bisect_right(opens, a[0] + EARLY_US) - 1
        if i < 0 or i in owner:
            extra += 1
        else:
            owner[i] = a
    lost = merged = 0
    for i, p in enumerate(planned):
        if i in owner:
            continue
        k = bisect.bisect_right(actual, (p[0] + EARLY_US, float("inf"))) - 1
        if k >= 0 and actual[k][1] > p[0]:
            merged += 1
        else:
            lost += 1
    return [(planned[i], owner[i]) for i in sorted(owner)], lost, merged, extra


def is_disturbed(pair, stalls):
    """Did the machine stand still at either edge, for long enough to explain half of its delay? A short stall in a long
    delay excuses nothing. stalls: [(from, until)] in order, not overlapping (join_stalls)."""
    (open_us, width_us), (opened, closed) = pair
    for plan, effect in ((open_us, opened), (open_us + width_us, closed)):
        from_us, until_us = plan - BEFORE_US, max(effect, plan)
        k = bisect.bisect_left(stalls, from_us, key=lambda stall: stall[1])
        stood = []
        while k < len(stalls) and stalls[k][0] <= until_us:
            stood.append(min(stalls[k][1], until_us) - max(stalls[k][0], from_us))
            k += 1
        if stood and 2 * sum(stood) >= effect - plan:
            return True
    return False


def join_stalls(stalls):
    """The same times without overlaps, in order: a stall of several cores is one."""
    joined = []
    for a, b in sorted(stalls):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def percentile(values, percent):
    """Nearest rank: the smallest value that at least `percent` of them do not exceed. None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    rank = -(-len(ordered) * round(percent * 1000) // 100000)
    return ordered[max(rank, 1) - 1]


def distribution(values):
    return {"median": percentile(values, 50), "p99": percentile(values, 99), "p99.9": percentile(values, 99.9),
            "max": max(values, default=None)}


def errors_of(pairs):
    """Absolute width error, and how late each edge was."""
    return {"width": distribution([abs(a[1] - a[0] - p[1]) for p, a in pairs]),
            "open": distribution([a[0] - p[0] for p, a in pairs]),
            "close": distribution([a[1] - p[0] - p[1] for p, a in pairs])}


def drift_of(pairs, gap_us):
    """How much longer than planned the whole took, from the first opening to the last."""
    if len(pairs) < 2:
        return 0
    planned = sum(p[1] + gap_us for p, _ in pairs[:-1])
    return pairs[-1][1][0] - pairs[0][1][0] - planned


def judge(planned, edges, stalls):
    """All of it for one program."""
    pairs, lost, merged, extra = match(planned, pulses_of(edges))
    stalls = join_stalls(stalls)
    quiet = [pair for pair in pairs if not is_disturbed(pair, stalls)]
    widths = sorted({p[1] for p in planned})
    return {"planned": len(planned), "pulses": len(pairs), "lost": lost, "merged": merged, "extra": extra,
            "disturbed": len(pairs) - len(quiet), "all": errors_of(pairs), "quiet": errors_of(quiet),
            "by_width": {w: {"pulses": len([1 for p, _ in quiet if p[1] == w]),
                             **errors_of([x for x in quiet if x[0][1] == w])} for w in widths}}


def exact_plan(rows, gap_us):
    """The schedule behind recorded plans. rows: [(open, width)] in order, each open converted from the wall clock in a
    turn of the daemon, and wrong by what came between the two clocks' readings. The schedule itself is absolute: an
    opening follows the one before by its width and the gap. What remains is the anchor, which a median over neighbours
    finds and which keeps the steps of a schedule that was planned anew."""
    half = 10
    sums, at = [], 0
    for _, width in rows:
        sums.append(at)
        at += width + gap_us
    rest = [row[0] - s for row, s in zip(rows, sums)]
    found = []
    for i, row in enumerate(rows):
        anchored = sums[i] + statistics.median_low(rest[max(0, i - half):i + half + 1])
        # Further off: a schedule planned anew, with its neighbours in another one.
        found.append((anchored if abs(anchored - row[0]) <= EARLY_US else row[0], row[1]))
    return found

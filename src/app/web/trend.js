/* The window of the trends and the points in it: from the record first, carried on live. */
import {ask} from "./api.js";
import {daemonNow, model} from "./live.js";
import {instant} from "./words.js";

const POINTS = 600, MIN_SPAN_MS = 10e3;
/* Of one tag, however long nobody asks the record: several windows full. */
const POINTS_MAX = 8 * POINTS;
/* Between samples further apart than this nothing is known: no line is drawn. */
const GAP_MS = 15e3;

/* kind: seconds of a window that follows, "run", "all", or "free" (zoomed or panned). */
export const view = {kind: "300", span: 300e3, from: 0, to: 0, follows: true, note: ""};
/* tag -> {points: [[t, min, max, mean]], step, from, to} */
const series = new Map();
/* Pulses of a run from the record: {t, name, width}. */
let recorded = [], chosen = null, asking = 0, choosing = 0, tags = [], loaded = () => {};

/* Called whenever other points are there, or another window is. */
export function onPoints(listener) {
        loaded = listener;
}

/* ---- The window ---- */

export function range() {
        if (!view.follows)
                return [view.from, view.to];
        const now = daemonNow();
        return [view.kind === "run" || view.kind === "all" ? view.from : now - view.span, now];
}

function askTrend(tag, from, to, points) {
        return ask(`/api/trend?tag=${encodeURIComponent(tag)}&from=${Math.round(from)}&to=${Math.round(to)}&points=${points}`);
}

async function runRange() {
        const id = chosen ? chosen.id : model.status.run;

        if (id === null || id === undefined)
                throw new Error("no run yet");
        const run = await ask(`/api/run/${id}`);
        return [instant(run.started), run.ended ? instant(run.ended) : null];
}

/* Where the record begins: the first of two points over all of it. */
async function allRange() {
        const answer = await askTrend(tags[0], 0, daemonNow(), 2);

        return [answer.points.length > 0 ? answer.points[0][0] : daemonNow() - view.span, null];
}

/* The window stays what it was until its ends are known; whatever is chosen meanwhile wins. */
export async function setWindow(kind) {
        const turn = ++choosing;
        let next = {kind, span: Number(kind) * 1000, follows: true};

        try {
                if (kind === "run" || kind === "all") {
                        const [from, to] = await (kind === "run" ? runRange() : allRange());
                        const end = to ?? daemonNow();
                        next = {kind, from, to: end, follows: to === null, span: end - from};
                }
        } catch (error) {
                if (turn === choosing) {
                        view.note = error.message;
                        loaded();
                }
                return;
        }
        if (turn !== choosing)
                return;
        Object.assign(view, next, {note: ""});
        await load();
}

/* By hand: what the mouse, the fingers or the keys chose. */
export function setFree(from, to) {
        if (to - from < MIN_SPAN_MS)
                [from, to] = [(from + to - MIN_SPAN_MS) / 2, (from + to + MIN_SPAN_MS) / 2];
        choosing++;
        Object.assign(view, {kind: "free", from, to, span: to - from, follows: false});
        loadSoon();
}

export function zoom(factor) {
        const [from, to] = range(), span = Math.max(MIN_SPAN_MS, (to - from) * factor);

        /* A window that follows keeps its right edge, now. */
        if (view.follows && view.kind !== "run" && view.kind !== "all") {
                choosing++;
                Object.assign(view, {kind: "free", span});
                loadSoon();
        } else {
                const centre = (from + to) / 2;
                setFree(centre - span / 2, centre + span / 2);
        }
}

export function pan(part) {
        const [from, to] = range(), by = (to - from) * part;

        setFree(from + by, to + by);
}

export function goLive() {
        chosen = null;
        return setWindow(view.kind === "run" || view.kind === "all" || view.kind === "free" ? "300" : view.kind);
}

/* A run of the history, or null for the present. */
export function chooseTrend(run) {
        chosen = run;
        return run ? setWindow("run") : goLive();
}

/* ---- The points ---- */

async function loadTag(tag, from, to, turn) {
        const answer = await askTrend(tag, from, to, POINTS);

        if (turn !== asking)
                return;
        /* null: nothing that is not Bad was kept there. */
        const points = answer.points.map((point) => point.map((value) => value ?? NaN));
        const last = points.length > 0 ? points[points.length - 1][0] : 0;
        /* What came live while the record was asked: it is newer than what the record has. */
        const fresh = (series.get(tag)?.points || []).filter((point) => point[0] > last && point[0] <= to + 60e3 && point.isLive);
        series.set(tag, {points: points.concat(fresh), step: Math.max(250, (to - from) / POINTS), from, to});
}

async function loadMarks(turn) {
        const id = chosen ? chosen.id : model.status.run;

        if (id === null || id === undefined)
                return;
        try {
                const answer = await ask(`/api/run/${id}/pulses`);
                if (turn === asking)
                        recorded = answer.pulses
                                .map((pulse) => ({t: instant(pulse.opened), name: pulse.precursor, width: pulse.width_s}))
                                .sort((one, other) => one.t - other.t);
        } catch {
                recorded = [];
        }
}

export async function load() {
        const turn = ++asking, [from, to] = range(), margin = (to - from) * 0.02;

        try {
                await Promise.all([...tags.map((tag) => loadTag(tag, from - margin, to, turn)), loadMarks(turn)]);
                if (turn === asking)
                        view.note = "";
        } catch (error) {
                if (turn === asking)
                        view.note = error.message;
        }
        if (turn === asking)
                loaded();
}

let soon = 0;

/* While somebody still turns the wheel, what is there is shown. */
function loadSoon() {
        loaded();
        clearTimeout(soon);
        soon = setTimeout(load, 300);
}

export function setTags(names) {
        tags = names;
        return load();
}

/* ---- Live ---- */

/* What nobody looks at: the oldest, or in a window that stands what came live after it. A window that moves there asks the
 * record anew. */
function surplusAt(points) {
        const after = view.follows ? 0 : points.findIndex((point) => point[0] > view.to);

        return after < 0 || after > points.length - POINTS ? 0 : after;
}

function append(name, now, tag) {
        const one = series.get(name), value = tag.quality === "Bad" || tag.value === null ? NaN : tag.value;

        if (!one)
                return;
        const last = one.points[one.points.length - 1];
        if (last?.isLive && now - last[0] < one.step && !Number.isNaN(last[3]) && !Number.isNaN(value)) {
                last[1] = Math.min(last[1], value);
                last[2] = Math.max(last[2], value);
                last[3] += (value - last[3]) / ++last.n;
                return;
        }
        if (last && now <= last[0])
                return;
        const point = [now, value, value, value];
        point.isLive = true;
        point.n = 1;
        one.points.push(point);
        if (one.points.length > POINTS_MAX)
                one.points.splice(surplusAt(one.points), POINTS);
}

/* At each word of the daemon. */
export function carryOn() {
        if (!model.isLive)
                return;
        for (const name of tags)
                if (model.tags[name])
                        append(name, model.time, model.tags[name]);
}

/* What has run out of the window goes; a window that has grown is asked anew. */
export function trim() {
        const [from, to] = range();

        for (const one of series.values()) {
                const first = one.points.findIndex((point) => point[0] > from - (to - from) * 0.1);
                if (view.follows && first > 100)
                        one.points.splice(0, first);
        }
        const one = series.get(tags[0]);
        if (one && view.follows && to - from > 2 * Math.max(60e3, one.to - one.from))
                load();
}

/* Rows of one chart: [Date, ...values], with a break where nothing is known. */
export function rows(names, withBars) {
        const at = new Map(), empty = withBars ? [null, null, null] : null, hole = withBars ? [NaN, NaN, NaN] : NaN;

        names.forEach((name, i) => {
                const one = series.get(name);
                let before = null;
                for (const point of one?.points || []) {
                        if (before !== null && point[0] - before > Math.max(GAP_MS, 4 * one.step))
                                put(at, before + 1, i, names.length, empty, hole);
                        put(at, point[0], i, names.length, empty, withBars ? [point[1], point[3], point[2]] : point[3]);
                        before = point[0];
                }
        });
        return [...at.entries()].sort((a, b) => a[0] - b[0]).map(([t, values]) => [new Date(t), ...values]);
}

function put(at, t, i, width, empty, value) {
        let row = at.get(t);

        if (!row)
                at.set(t, row = new Array(width).fill(empty));
        row[i] = value;
}

/* Pulses within the window, each once: the record has those that were seen live as well. */
export function marks() {
        const [from, to] = range(), last = recorded.length > 0 ? recorded[recorded.length - 1].t : 0;
        const later = model.pulses.filter((pulse) => pulse.t > last + 500);

        return [...recorded, ...later].filter((pulse) => pulse.t >= from && pulse.t <= to);
}

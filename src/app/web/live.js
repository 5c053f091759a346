/* The connection to aldweb and what it has told: the model that everything else draws. */
import {instant} from "./words.js";

/* A gauge's noise alone brings a word ten times a second, and of a tool where nothing moves aldweb says every 2 s that it is so.
 * After so long without any word nothing is live, and the line is tried anew. */
const SILENCE_MS = 10e3, RETRY_MS = 2000, EVENTS_MAX = 200;
/* What opened shows as open for so long: a pulse of 100 ms must not fall between two paints. */
const OPEN_SHOWN_MS = 600;

export const model = {
        isLive: false,       /* connected, and the daemon behind it too */
        since: Date.now(),   /* when that was lost, by this clock */
        why: "connecting",
        hasData: false,
        hello: {}, status: {}, tags: {}, events: [], alarms: [], tool: null,
        time: 0,             /* the daemon's clock at its last word, ms */
        heard: 0,            /* this clock then */
        odd: new Map(),      /* tag -> {t (daemon's clock, ms), wasBefore}: since when, or longer, it is not Good */
        opened: new Map(),   /* valve -> when it was last seen open (this clock) */
        pulses: [],          /* {t, name, width}: as they were seen to begin */
};

const listeners = [];
let source = null;

export function listen(listener) {
        listeners.push(listener);
}

function tell(kind, data) {
        for (const listener of listeners)
                listener(kind, data);
}

/* The daemon's clock now, as far as can be told. */
export function daemonNow() {
        return model.isLive ? model.time + (Date.now() - model.heard) : model.time;
}

/* Seconds since the values shown were so. */
export function age() {
        return model.heard === 0 ? null : (Date.now() - model.heard) / 1000;
}

export function wasOpen(valve) {
        return Date.now() - (model.opened.get(valve) || 0) < OPEN_SHOWN_MS;
}

function lose(why) {
        if (model.isLive || model.why === "connecting")
                model.since = Date.now();
        const isNews = model.isLive || model.why !== why;
        model.isLive = false;
        model.why = why;
        if (isNews)
                tell("lost");
}

function noteTime(time) {
        model.heard = Date.now();
        model.time = time ? instant(time) : model.heard;
}

function noteTag(name, tag, isNew) {
        if (tag.quality === "Good")
                model.odd.delete(name);
        else if (!model.odd.has(name))
                model.odd.set(name, {t: model.time, wasBefore: !isNew});
        if (tag.kind === "valve" && tag.value >= 0.5)
                model.opened.set(name, Date.now());
}

/* "pulse nb 1 s" begins: the mark on the trend. */
function notePulse(before, after) {
        const words = /^pulse (\S+) ([\d.]+) (ms|s|min)/.exec(after.step || "");
        if (!words || (before.step === after.step && before.cycle === after.cycle && before.source_line === after.source_line))
                return;
        const width = Number(words[2]) * {ms: 0.001, s: 1, min: 60}[words[3]];
        model.pulses.push({t: model.time, name: words[1], width});
        if (model.pulses.length > 2000)
                model.pulses.splice(0, 1000);
}

const handlers = {
        full(data) {
                Object.assign(model, {hello: data.hello || {}, status: data.status, tags: data.tags, events: data.events || [],
                        alarms: data.alarms || [], tool: data.tool || null, hasData: true, isLive: true, why: ""});
                model.odd.clear();
                noteTime(data.time);
                /* aldweb tells what it has at once, however long ago the daemon spoke. */
                model.heard -= 1000 * (data.heard_s || 0);
                for (const [name, tag] of Object.entries(model.tags))
                        noteTag(name, tag, false);
        },
        update(data) {
                noteTime(data.time);
                if (data.status) {
                        const before = model.status;
                        model.status = {...before, ...data.status};
                        notePulse(before, model.status);
                }
                for (const [name, change] of Object.entries(data.tags || {}))
                        if (model.tags[name])
                                noteTag(name, Object.assign(model.tags[name], change), true);
        },
        beat() {
                const now = Date.now();
                model.time += now - model.heard;
                model.heard = now;
        },
        event(data) {
                model.events.push(data);
                model.events.splice(0, Math.max(0, model.events.length - EVENTS_MAX));
        },
        alarms(data) {
                model.alarms = Array.isArray(data) ? data : data.alarms || [];
        },
};

function open() {
        source = new EventSource("/api/live");
        source.addEventListener("lost", (message) => lose(JSON.parse(message.data).why || "the daemon is gone"));
        for (const [kind, handle] of Object.entries(handlers))
                source.addEventListener(kind, (message) => {
                        checkAge();
                        /* After a sleep: what was told before it is no news. */
                        if (message.target !== source)
                                return;
                        const data = message.data ? JSON.parse(message.data) : {};
                        handle(data);
                        tell(kind, data);
                });
        source.onerror = (event) => {
                const own = event.target;
                if (own !== source)
                        return;
                lose("no connection to aldweb");
                /* The browser tries again by itself unless it was refused. */
                if (own.readyState === EventSource.CLOSED)
                        setTimeout(open, RETRY_MS);
        };
}

/* Before anything is painted as live: the machine may have slept, and the line be gone since. */
export function checkAge() {
        if (!model.isLive || Date.now() - model.heard < SILENCE_MS)
                return;
        lose("no word from aldweb");
        source.close();
        open();
}

export function start() {
        open();
        setInterval(checkAge, 1000);
        document.addEventListener("visibilitychange", checkAge);
}

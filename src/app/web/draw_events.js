/* The last events, newest on top. */
import {model} from "./live.js";
import {byId, keep, make} from "./dom.js";
import {clock, human, utc} from "./words.js";

const SHOWN = 60;
const SIGNS = {info: "", warning: "\u25cf ", alarm: "\u25c6 ", trip: "\u25b2 "};

function create(event) {
        const when = make("time", {datetime: event.time, title: utc(event.time)}, clock(event.time));

        return make("tr", {"data-severity": event.severity}, make("td", {class: "value"}, when),
                make("td", {}, `${SIGNS[event.severity] ?? "\u25cf "}${event.kind}`), make("td", {}, event.source),
                make("td", {}, human(event.text)));
}

export function drawEvents() {
        const all = byId("all-events").checked, seen = new Map();
        const events = model.events.filter((event) => all || event.kind !== "output" || event.severity !== "info");

        /* Equal events of one moment are told apart by their number in it. */
        const keyed = events.map((event) => {
                const name = `${event.time} ${event.kind} ${event.source} ${event.text}`, n = (seen.get(name) || 0) + 1;
                seen.set(name, n);
                return {event, key: `${name} ${n}`};
        });
        keep(byId("events-body"), keyed.slice(-SHOWN).reverse(), (item) => item.key, (item) => create(item.event), () => {});
}

export function startEvents(repaint) {
        byId("all-events").addEventListener("change", repaint);
}

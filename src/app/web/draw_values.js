/* The table of values: what the schematic shows and more, in words, for every kind of reader. */
import {age, daemonNow, model, wasOpen} from "./live.js";
import {byId, keep, make, setAttribute, setText, show} from "./dom.js";
import {clock, duration, human, number, quantity, setpoint} from "./words.js";

/* ---- One tag, in words ---- */

/* "" while it is Good; else the reason, and for how long. */
export function oddity(name) {
        const tag = model.tags[name];

        if (!tag || tag.quality === "Good")
                return "";
        const since = model.odd.get(name), seconds = since ? (daemonNow() - since.t) / 1000 : 0;
        const long = seconds < 1 ? "" : `, ${since.wasBefore ? "more than " : ""}${duration(seconds)}`;
        return `${tag.quality}: ${tag.why || "no reason given"}${long}`;
}

function isKnown(name) {
        const tag = model.tags[name];

        return Boolean(tag) && (tag.value ?? null) !== null && tag.quality !== "Bad";
}

/* A module that does not answer has no position to show. */
export function position(name) {
        if (!isKnown(name))
                return "unknown";
        return model.tags[name].value >= 0.5 || wasOpen(name) ? "open" : "closed";
}

/* Of a switch or a contact: no word for either side while nobody knows. */
export function sideOf(name, on, off) {
        if (!isKnown(name))
                return "unknown";
        return model.tags[name].value >= 0.5 ? on : off;
}

export function reading(name, unit) {
        const tag = model.tags[name];

        return tag ? quantity(tag.value, unit ?? tag.unit) : "no value";
}

export function target(name) {
        const tag = model.tags[name];

        if (!tag)
                return "";
        return setpoint(tag.value ?? tag.commanded, tag.unit);
}

/* A pump that stands although it was told to run is out of order. */
export function pumpWord(item) {
        const isTold = model.tags[item.run]?.value >= 0.5;

        return sideOf(item.running || item.run, "running", isTold ? "\u26a0 STOPPED" : "stopped");
}

/* Above or below what is set, by how much; "settled" within the tolerance. */
function deviation(item) {
        const value = model.tags[item.value], set = model.tags[item.setpoint];

        if (typeof value?.value !== "number" || typeof set?.value !== "number" || typeof item.tolerance !== "number")
                return "";
        const difference = value.value - set.value;
        if (Math.abs(difference) <= item.tolerance)
                return "\u2713 as set";
        /* Zero is "off" for a heater: how far it is above says nothing. */
        if (item.kind === "heater" && set.value <= 0)
                return "off";
        const [sign, word] = difference > 0 ? ["\u2191", "above"] : ["\u2193", "below"];
        return `${sign} ${number(Math.abs(difference), value.unit)} ${word}`;
}

/* ---- Rows ---- */

function inputRows(item) {
        const rows = [
                [item.lid, "lid", "closed", "\u26a0 OPEN"],
                [item.emo, "emergency stop", "released", "\u26a0 PRESSED"],
                [item.over_temperature, "over-temperature cut-out", "\u26a0 ACTED", "not acted"],
        ];
        return rows.filter(([tag]) => model.tags[tag]).map(([tag, what, on, off]) =>
                ({key: tag, what, tag, now: sideOf(tag, on, off), set: "", remark: ""}));
}

function rowsOf(item) {
        switch (item.kind) {
        case "flow":
        case "heater":
        case "motor":
                return [{key: item.name, what: item.name, tag: item.value, now: reading(item.value, item.unit),
                        set: item.setpoint ? target(item.setpoint) : "", remark: deviation(item)}];
        case "precursor":
        case "valve":
                return [{key: item.name, what: `${item.name} valve`, tag: item.valve, now: position(item.valve), set: "",
                        remark: ""}];
        case "pump":
                return [{key: item.name, what: item.name, tag: item.running || item.run, now: pumpWord(item),
                        set: item.run ? sideOf(item.run, "on", "off") : "", remark: ""}];
        case "gauge":
                return [{key: item.name, what: "pressure", tag: item.value, now: reading(item.value, item.unit), set: "",
                        remark: model.tags[item.atmosphere]?.value >= 0.5 ? "at atmosphere" : ""}];
        case "inputs":
                return inputRows(item);
        default:
                return [];
        }
}

/* A daemon that does not tell its equipment has its tags. */
function rows() {
        if (model.tool)
                return model.tool.equipment.flatMap(rowsOf);
        return Object.entries(model.tags).filter(([name]) => !name.endsWith(".setpoint")).map(([name, tag]) =>
                ({key: name, what: name, tag: name, set: target(`${name}.setpoint`), remark: "",
                        now: tag.kind === "valve" ? position(name) : tag.kind === "switch" ? sideOf(name, "on", "off") :
                                reading(name)}));
}

function createRow() {
        return make("tr", {}, make("th", {scope: "row"}), make("td", {class: "value"}), make("td", {class: "value"}),
                make("td"));
}

function updateRow(node, row) {
        const [what, now, set, remark] = node.children, odd = oddity(row.tag);

        setText(what, row.what);
        setAttribute(what, "title", row.tag);
        setText(now, row.now);
        setText(set, row.set);
        setText(remark, odd ? `\u26a0 ${odd}` : human(row.remark));
        setAttribute(node, "class", odd || row.now.startsWith("\u26a0") ? "odd" : null);
}

export function drawValues() {
        const note = byId("values-age"), old = age();

        if (!model.hasData)
                return;
        show(note, !model.isLive);
        if (!model.isLive)
                setText(note, `Not live: as they were at ${clock(model.time)}, ${duration(old)} ago`);
        keep(byId("values-body"), rows(), (row) => row.key, createRow, updateRow);
}

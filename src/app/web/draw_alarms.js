/* Alarms with what to do about them, trips with the first cause on top. In a flood the few that matter stay readable. */
import {model} from "./live.js";
import {byId, keep, make, part, setAttribute, setText, show} from "./dom.js";
import {clock, count, human, utc} from "./words.js";

/* priority: sign; its name stands beside it. */
const SIGNS = {critical: "\u25b2", high: "\u25c6", medium: "\u25cf", low: "\u25cb"};
const STATES = {
        "unacknowledged": "stands, not acknowledged", "acknowledged": "stands, acknowledged",
        "returned-unacknowledged": "gone, not acknowledged", "latched-unacknowledged": "gone, to be acknowledged and reset",
        "latched": "gone, to be reset", "shelved": "shelved", "suppressed": "suppressed",
};
/* So many stand open to be read; the rest can be unfolded. */
const SHOWN = 8;

function createAlarm() {
        return make("li", {class: "alarm"}, make("p", {class: "head"}, make("span", {class: "sign", "aria-hidden": "true"}),
                make("span", {class: "priority"}), make("strong"), make("span", {class: "how"}), make("time")),
        make("p", {class: "text"}), make("p", {class: "guidance"}));
}

function stateText(alarm) {
        let text = STATES[alarm.state] || alarm.state;

        if (alarm.state === "shelved" && alarm.shelved_until)
                text = `shelved until ${clock(alarm.shelved_until)} by ${alarm.shelved_by}: ${alarm.shelved_reason}`;
        if (alarm.is_chattering)
                text += `, comes and goes (${alarm.comings} times)`;
        return text;
}

function updateAlarm(node, alarm) {
        const when = node.querySelector("time");

        setAttribute(node, "data-priority", alarm.priority);
        setText(part(node, "sign"), SIGNS[alarm.priority] || "\u25cf");
        setText(part(node, "priority"), alarm.priority);
        setText(node.querySelector("strong"), alarm.id);
        setText(part(node, "how"), stateText(alarm));
        setText(when, alarm.time ? clock(alarm.time) : "");
        setAttribute(when, "title", alarm.time ? utc(alarm.time) : null);
        setAttribute(when, "datetime", alarm.time || null);
        setText(part(node, "text"), human(alarm.text));
        setText(part(node, "guidance"), human(alarm.guidance));
        show(part(node, "guidance"), Boolean(alarm.guidance));
}

function drawTrips(latches) {
        const trips = byId("trips");

        show(trips, latches.length > 0);
        keep(trips.querySelector("ol"), latches, (latch) => latch.id, createAlarm, (node, latch) => updateAlarm(node, {
                id: latch.id, priority: "critical", text: latch.text, guidance: latch.guidance, time: latch.time,
                state: `${latch.is_active ? "still so" : "gone"}; ${latch.action || "trips"}; latched until reset`}));
}

function summary(status) {
        const parts = [];

        if (!(status.alarms_shown > 0) && !(status.alarms_shelved > 0))
                return "None.";
        parts.push(count(status.alarms_shown, "alarm"));
        if (status.alarms_unacknowledged > 0)
                parts.push(`${status.alarms_unacknowledged} not acknowledged`);
        if (status.alarms_shelved > 0)
                parts.push(`${status.alarms_shelved} shelved`);
        return `${parts.join(", ")}.` +
                (status.is_flooded ? " A flood: more than a person can take in. Those of low priority are counted, " +
                        "not told one by one." : "");
}

/* Of one kind, they are named by it. */
function moreText(rest) {
        const quiet = rest.every((alarm) => alarm.state === "shelved" || alarm.state === "suppressed");
        const low = rest.every((alarm) => alarm.priority === "low");

        return `${rest.length} more${quiet ? ", shelved or suppressed" : low ? " of low priority" : ""}`;
}

export function drawAlarms() {
        const status = model.status, latches = status.latches || [], more = byId("alarm-more");

        if (!model.hasData)
                return;
        /* A latched trip is an alarm as well: it stands above, once. */
        const tripped = new Set(latches.map((latch) => latch.id));
        const others = model.alarms.filter((alarm) => !(alarm.is_trip && tripped.has(alarm.id)));
        const loud = others.filter((alarm) => alarm.state !== "shelved" && alarm.state !== "suppressed");
        const told = status.is_flooded ? loud.filter((alarm) => alarm.priority !== "low") : loud;
        const shown = told.slice(0, SHOWN), rest = others.filter((alarm) => !shown.includes(alarm));

        setText(byId("alarm-sum"), summary(status));
        setAttribute(byId("alarms"), "data-tone", latches.length > 0 ? "bad" : loud.length > 0 ? "warn" : null);
        setAttribute(byId("alarm-sum"), "class", status.is_flooded ? "flood" : null);
        drawTrips(latches);
        keep(byId("alarm-list"), shown, (alarm) => alarm.id, createAlarm, updateAlarm);
        show(more, rest.length > 0);
        setText(more.querySelector("summary"), moreText(rest));
        keep(more.querySelector("ul"), rest, (alarm) => alarm.id, createAlarm, updateAlarm);
}

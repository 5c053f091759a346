/* State, progress, what is asked and what can be typed. */
import {age, daemonNow, model} from "./live.js";
import {byId, keep, make, part, setAttribute, setText, show} from "./dom.js";
import {clock, duration, human, instant, utc} from "./words.js";

/* state: [sign, tone, gloss]. */
const STATES = {
        Stopped: ["\u25a0", "rest", "Nothing runs. The outputs are at standby."],
        Idle: ["\u25cb", "rest", "Ready for a run."],
        Resetting: ["\u2026", "busy", "The tool goes to standby."],
        Clearing: ["\u2026", "busy", "The tool goes to standby."],
        Starting: ["\u2026", "busy", "The run begins."],
        Execute: ["\u25ba", "good", "The recipe runs."],
        Completing: ["\u25ba", "good", "The recipe ends: its last steps, then standby."],
        Complete: ["\u2713", "good", "The run is complete. The outputs are at standby."],
        Holding: ["\u2016", "warn", "The run is being held."],
        Held: ["\u2016", "warn", "The run is held: precursors are closed, heat and flow stay."],
        Unholding: ["\u2026", "busy", "The run goes on."],
        Suspending: ["\u2016", "warn", "The run is being suspended."],
        Suspended: ["\u2016", "warn", "The run waits for something outside the tool; precursors are closed."],
        Unsuspending: ["\u2026", "busy", "The run goes on."],
        Stopping: ["\u25a0", "warn", "The run is being stopped: the pulse ends, purge, last steps, standby."],
        Aborting: ["\u25b2", "bad", "Everything goes to its safe value."],
        Aborted: ["\u25b2", "bad", "Everything is at its safe value."],
};
const THEN = {hold: "it is held", stop: "it is stopped", abort: "it is aborted", continue: "it goes on"};
const RUNNING = ["Starting", "Execute", "Completing", "Unholding", "Holding", "Held", "Suspending", "Suspended",
        "Unsuspending", "Stopping"];
/* An output is unconfirmed for a moment whenever it moves. */
const UNCONFIRMED_MS = 2000;
let unconfirmedSince = 0;

function drawWord(status) {
        const [sign, tone, gloss] = STATES[status.state] || ["?", "warn", ""];
        const word = byId("state-word");

        setText(part(word, "sign"), sign);
        setText(part(word, "word"), status.state);
        setAttribute(byId("state"), "data-tone", model.isLive ? tone : "stale");
        setText(byId("gloss"), gloss);
        document.title = `${model.isLive ? "" : "? "}${status.state}: ${model.tool?.title || "ALD reactor"}`;
}

function drawDoing(status) {
        const parts = [];

        if (status.run !== null)
                parts.push(`${status.in_run ? "" : "Last: "}Run ${status.run}, ${status.recipe}`);
        if (status.in_run && status.phase)
                parts.push(`phase ${status.phase}`);
        /* What it waits for stands on a line of its own. */
        if (status.step && (!status.waiting || status.asks))
                parts.push(status.step + (status.step_left_s >= 1 ? ` (${duration(status.step_left_s)} of it left)` : ""));
        setText(byId("doing"), human(parts.join(" \u00b7 ")));

        const lines = [];
        if (status.waiting && !status.asks)
                lines.push(`Waiting for ${status.waiting}`);
        if (status.reason && status.reason !== status.waiting)
                lines.push(status.reason);
        setText(byId("waiting"), human(lines.join(". ")));
        show(byId("waiting"), lines.length > 0);
}

function expiry(status) {
        return status.expires_s === null || status.expires_s === undefined ? "" :
                `; in ${duration(status.expires_s)} ${THEN[status.expires_then] || status.expires_then} otherwise`;
}

function drawAsks(status) {
        const asks = byId("asks");

        show(asks, Boolean(status.asks));
        if (!status.asks)
                return;
        setText(part(asks, "question"), human(status.asks));
        setText(part(asks, "expires"), expiry(status));
}

function setFact(id, text, title) {
        const fact = byId(`fact-${id}`), value = fact.querySelector("dd");

        show(fact, Boolean(text));
        setText(value, text || "");
        setAttribute(value, "title", title || null);
}

function leftText(status) {
        if (!status.in_run)
                return "";
        if (status.asks || (status.left_s < 1 && !status.is_bounded))
                return "cannot be told yet";
        return duration(status.left_s);
}

function heatingText(status) {
        if (!status.in_run)
                return "";
        if (status.heating_left_s === undefined)
                return status.is_bounded ? "" : "cannot be told";
        if (status.heating_left_s === null)
                return "cannot be told yet";
        return status.heating_left_s > 0 ? `about ${duration(status.heating_left_s)}` : "";
}

/* Its parts come as one text. */
function drawBeforeOpen(waits) {
        const list = (waits || "").split("; ").filter(Boolean), details = byId("before-open");

        show(details, list.length > 0);
        keep(part(details, "list"), list, (text) => text.split(" ")[0], () => make("li"),
                (node, text) => setText(node, human(text)));
}

function drawOpen(status) {
        const seconds = status.open_in_s;

        /* Somebody may open by it: what was true when it was heard is no answer. */
        drawBeforeOpen(model.isLive ? status.open_waits : "");
        if (seconds === undefined)
                setFact("open", "");
        else if (!model.isLive)
                setFact("open", "not known");
        else if (seconds === null)
                setFact("open", "not yet; when cannot be told");
        else if (seconds <= 0)
                setFact("open", status.open_waits ? "not yet" : "now");
        else
                setFact("open", `in about ${duration(seconds)}`, utc(daemonNow() + seconds * 1000));
}

function drawProgress(status) {
        const hasCycles = status.in_run && status.cycles > 0, bar = byId("bar");
        const done = hasCycles ? Math.max(0, status.cycle - 1) : 0;

        setFact("cycle", hasCycles ? `${status.cycle || "none yet"} of ${status.cycles}` : "");
        setFact("left", leftText(status));
        setFact("heating", heatingText(status));
        setFact("elapsed", status.in_run ? duration(status.elapsed_s) : "");
        drawOpen(status);
        show(bar, hasCycles);
        if (!hasCycles)
                return;
        setAttribute(bar, "aria-valuemin", 0);
        setAttribute(bar, "aria-valuemax", status.cycles);
        setAttribute(bar, "aria-valuenow", done);
        bar.firstElementChild.style.width = `${100 * done / status.cycles}%`;
}

function flags(status) {
        const list = [];

        if (status.is_exposing)
                list.push("Exposing: the exhaust is shut by the recipe");
        if (status.is_vented)
                list.push("Vented: precursors are locked until the next pump-down");
        if (status.is_stopping_after_cycle)
                list.push("Stops after this cycle");
        for (const bypass of status.bypasses || [])
                list.push(`Bypassed: ${bypass.tag} until ${clock(bypass.until)}, by ${bypass.user}: ${bypass.reason}`);
        if (status.by_hand_count > 0)
                list.push(`By hand: ${status.by_hand}`);
        if (status.standby_s !== null && status.standby_s !== undefined)
                list.push(`What was moved by hand goes to standby in ${duration(status.standby_s)}`);
        if (status.store_ok === false)
                list.push(`The record is not being kept: ${status.store_why || "see the alarms"}`);
        unconfirmedSince = status.unconfirmed_count > 0 ? unconfirmedSince || Date.now() : 0;
        if (unconfirmedSince && Date.now() - unconfirmedSince > UNCONFIRMED_MS)
                list.push(`Position not known: ${status.unconfirmed}`);
        /* It moves by microseconds with the clock: shown to the minute. */
        if (status.control)
                list.push(`Control: ${status.control.user}, until ` +
                        `${clock(Math.round(instant(status.control.until) / 60000) * 60000)} unless used`);
        return list;
}

/* What an operator may do next: shown, never done from here. */
function commands(status) {
        const list = [];

        if (status.asks)
                list.push(["aldctl confirm", "yes to what is asked"]);
        if (status.state === "Held")
                list.push(["aldctl resume", "the run goes on" + expiry(status)], ["aldctl stop", "purge, last steps, standby"]);
        if (status.state === "Aborted")
                list.push(["aldctl reset", "once the cause is gone and the tool was looked at"]);
        else if ((status.latches || []).length > 0)
                list.push(["aldctl reset", "clears what has tripped, once its cause is gone"]);
        if (status.alarms_unacknowledged > 0)
                list.push(["aldctl ack", "the alarms were seen; moves nothing"]);
        return list;
}

function drawCommands(status) {
        const typed = byId("typed"), list = commands(status);

        show(typed, list.length > 0);
        keep(typed.querySelector("ul"), list, (item) => item[0],
                (item) => make("li", {}, make("code", {}, item[0]), make("span")),
                (node, item) => setText(node.lastElementChild, ` ${item[1]}`));
}

/* ---- Lost and found ---- */

function drawLink() {
        const banner = byId("banner"), link = byId("link"), old = age();

        document.body.classList.toggle("stale", !model.isLive);
        show(banner, !model.isLive && model.why !== "connecting");
        setText(link, model.isLive ? "\u25cf live" : "\u25cb not live");
        setAttribute(link, "data-tone", model.isLive ? "good" : "bad");
        if (model.isLive || model.why === "connecting")
                return;
        setText(banner, `Not live since ${clock(model.since)}: ${model.why}. ` +
                (old === null ? "There are no values yet." : `The values below are ${duration(old)} old.`));
        setAttribute(banner, "title", utc(model.since));
}

let said = "", trips = new Set(), wasLive = null;

/* A sentence when the state changes; trips and losses at once. */
function speak(status) {
        const now = `${status.state}${status.in_run && status.phase ? `, phase ${status.phase}` : ""}` +
                (status.asks ? `. The recipe asks: ${status.asks}` : "");
        const latches = status.latches || [], fresh = latches.filter((latch) => !trips.has(latch.id + latch.time));

        if (model.isLive && now !== said) {
                setText(byId("say"), human(now));
                said = now;
        }
        if (fresh.length > 0)
                setText(byId("shout"), human(`Tripped: ${fresh.map((latch) => latch.text).join("; ")}`));
        trips = new Set(latches.map((latch) => latch.id + latch.time));
        if (wasLive === true && !model.isLive)
                setText(byId("shout"), `Not live: ${model.why}`);
        if (wasLive === false && model.isLive && fresh.length === 0)
                setText(byId("shout"), "Live again");
        wasLive = model.isLive;
}

export function drawState() {
        const status = model.status;

        drawLink();
        if (!model.hasData)
                return;
        setText(byId("title"), model.tool?.title || model.hello.tool || "ALD reactor");
        setText(byId("version"), model.hello.version ? `aldd ${model.hello.version}` : "");
        drawWord(status);
        drawDoing(status);
        drawAsks(status);
        drawProgress(status);
        keep(byId("flags"), flags(status), (text) => text.split(":")[0] + (text.startsWith("Bypassed") ? text.split(" ")[1] : ""),
                () => make("li"), (node, text) => setText(node, human(text)));
        drawCommands(status);
        speak(status);
}

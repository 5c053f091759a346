/* History: the runs with their reports, and the choice of one to look at. */
import {model} from "./live.js";
import {ask} from "./api.js";
import {byId, keep, make, setAttribute, setText, show} from "./dom.js";
import {clock, duration, instant, utc} from "./words.js";

/* The record follows the daemon's word by a moment, or by more on a slow disk: what it lacks, and what did not come, is asked again,
 * ever later. */
const PAGE = 20, AGAIN_MS = 1000, TRIES = 6;
let runs = [], isEnd = false, chosen = -1, key = "", timer = 0, choose = () => {};

function createRow(run) {
        const look = make("button", {type: "button", class: "link-like"}, "look");

        look.setAttribute("aria-label", `Look at run ${run.id}`);
        look.addEventListener("click", () => {
                chosen = chosen === run.id ? -1 : run.id;
                drawRuns();
                choose(runs.find((item) => item.id === chosen) || null);
        });
        return make("tr", {}, make("th", {scope: "row"}, String(run.id)), make("td", {}, run.recipe), make("td"),
                make("td", {class: "value"}, make("time", {datetime: run.started, title: utc(run.started)}, clock(run.started))),
                make("td", {class: "value"}), make("td", {class: "value"}), make("td", {}, run.operator || ""),
                make("td", {}, make("a", {href: `/run/${run.id}/report.html`}, `report ${run.id}`), " ", look));
}

function updateRow(node, run) {
        const cells = node.children, isPresent = model.status.in_run && model.status.run === run.id;

        setText(cells[2], `${isPresent ? model.status.state : run.state}${run.reason && !isPresent ? `: ${run.reason}` : ""}`);
        setText(cells[4], run.ended ? duration((instant(run.ended) - instant(run.started)) / 1000) : "");
        setText(cells[5], String(run.cycles ?? ""));
        setAttribute(node.querySelector("button"), "aria-pressed", String(chosen === run.id));
        setAttribute(node, "class", chosen === run.id ? "chosen" : null);
}

export function drawRuns() {
        setText(byId("runs-note"), runs.length === 0 ? "None yet." :
                chosen >= 0 ? `Looking at run ${chosen}: recipe, trends and pulses are of it.` : "");
        keep(byId("runs-body"), runs, (run) => run.id, createRow, updateRow);
        show(byId("runs-table"), runs.length > 0);
        show(byId("older"), !isEnd && runs.length > 0);
}

/* A run has ended for the daemon and not in the record, or has begun and is not in it. */
function isBehind() {
        const {in_run: inRun, run: present} = model.status;

        return (inRun && !runs.some((run) => run.id === present)) ||
                runs.slice(0, PAGE).some((run) => !run.ended && !(inRun && run.id === present));
}

async function load(before) {
        try {
                const answer = await ask(`/api/runs?limit=${PAGE}${before ? `&before=${before}` : ""}`);
                const list = [...answer.runs].sort((a, b) => b.id - a.id);
                if (before !== null || runs.length <= PAGE)
                        isEnd = list.length < PAGE;
                const known = new Map(runs.map((run) => [run.id, run]));
                for (const run of list)
                        known.set(run.id, run);
                runs = [...known.values()].sort((a, b) => b.id - a.id);
                drawRuns();
                return true;
        } catch (error) {
                setText(byId("runs-note"), error.message);
                return false;
        }
}

async function loadNewest(tries) {
        clearTimeout(timer);
        const hasCome = await load(null);
        if (tries > 1 && (!hasCome || isBehind()))
                timer = setTimeout(loadNewest, AGAIN_MS * 2 ** (TRIES - tries), tries - 1);
}

/* Asked anew when a run begins, ends or has gone a cycle further. */
export function followRuns() {
        const status = model.status, now = `${status.run} ${status.in_run} ${status.cycle} ${status.state}`;

        if (!model.hasData || !model.isLive || now === key)
                return;
        key = now;
        loadNewest(TRIES);
}

export function startRuns(onChoose) {
        choose = onChoose;
        byId("older").addEventListener("click", () => load(runs[runs.length - 1].id));
}

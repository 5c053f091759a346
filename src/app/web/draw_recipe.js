/* The recipe of the present run, or of one chosen in the history, with the line of the present (or last) step. */
import {model} from "./live.js";
import {ask} from "./api.js";
import {byId, keep, make, setAttribute, setText, show} from "./dom.js";
import {human} from "./words.js";

/* A run that has just begun may not be in the record yet, and aldweb may be away for a moment. */
const AGAIN_MS = 2000;
/* -1: the present run. */
let chosen = -1, shown = null, run = null, markedLine = null;

function wanted() {
        return chosen >= 0 ? chosen : model.status.run;
}

async function load(id) {
        const note = byId("recipe-note");

        shown = id;
        run = null;
        try {
                const answer = await ask(`/api/run/${id}`);
                if (shown !== id)
                        return;
                run = answer;
                const lines = (run.recipe_text || "").replace(/\n$/, "").split("\n").map((text, i) => ({text, n: i + 1}));
                keep(byId("recipe-text"), [], () => "", () => null, () => {});
                keep(byId("recipe-text"), lines, (line) => line.n,
                        (line) => make("li", {}, make("code", {}, line.text)), () => {});
                markedLine = null;
                show(byId("recipe-text").parentElement, true);
        } catch (error) {
                if (shown !== id)
                        return;
                setText(note, error.message);
                setTimeout(() => shown === id && !run && load(id), AGAIN_MS);
        }
        drawRecipe();
}

/* Only the text's own pane is scrolled, and not under the hands of somebody who reads it. */
function bringToView(pane, node) {
        if (pane.matches(":hover, :focus"))
                return;
        pane.scrollTop = node.offsetTop - pane.clientHeight / 2 + node.clientHeight / 2;
}

function mark(line) {
        const pane = byId("recipe-text");

        if (line === markedLine)
                return;
        const before = markedLine ? pane.children[markedLine - 1] : null, now = line ? pane.children[line - 1] : null;
        if (before)
                setAttribute(before, "aria-current", null);
        if (now) {
                setAttribute(now, "aria-current", "step");
                bringToView(pane.parentElement, now);
        }
        markedLine = line;
}

export function drawRecipe() {
        const id = wanted(), isPresent = id === model.status.run && model.status.in_run;

        if (!model.hasData)
                return;
        if (id === null || id === undefined) {
                setText(byId("recipe-note"), "No run yet.");
                return;
        }
        if (shown !== id) {
                load(id);
                return;
        }
        if (!run)
                return;
        const line = isPresent ? model.status.source_line : run.source_line, at = line ? `, line ${line}` : "";
        const state = model.status.run === id ? model.status.state : run.state;
        const doing = isPresent ? (model.status.step || "between steps") + at : state + (line ? `, last pulse on line ${line}` : "");
        setText(byId("recipe-note"), human(`Run ${id}, ${run.recipe}: ${doing}`));
        mark(line);
}

/* Of the history; the present run again with -1. */
export function chooseRecipe(id) {
        chosen = id;
        drawRecipe();
}

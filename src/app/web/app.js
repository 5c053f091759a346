/* The page: what is told goes into the model, and the model is painted, at most four times a second. */
import {checkAge, listen, model, start} from "./live.js";
import {drawAlarms} from "./draw_alarms.js";
import {drawEvents, startEvents} from "./draw_events.js";
import {chooseOverlay, drawOverlay, startOverlay} from "./draw_overlay.js";
import {chooseRecipe, drawRecipe} from "./draw_recipe.js";
import {drawRuns, followRuns, startRuns} from "./draw_runs.js";
import {drawState} from "./draw_state.js";
import {drawTool} from "./draw_tool.js";
import {chooseTrend} from "./trend.js";
import {drawTrend, reloadTrend, startTrend} from "./draw_trend.js";
import {drawValues} from "./draw_values.js";

const PAINT_MS = 250;
const PARTS = [drawState, drawTool, drawValues, drawAlarms, drawTrend, drawOverlay, drawRecipe, drawEvents, followRuns];
let isDue = false, paintedAt = 0;

function paint() {
        isDue = false;
        paintedAt = Date.now();
        checkAge();
        for (const part of PARTS)
                part();
}

function paintSoon() {
        if (isDue)
                return;
        isDue = true;
        setTimeout(() => requestAnimationFrame(paint), Math.max(0, PAINT_MS - (Date.now() - paintedAt)));
}

startTrend();
startOverlay();
startEvents(paintSoon);
startRuns((run) => {
        chooseRecipe(run ? run.id : -1);
        chooseOverlay(run);
        chooseTrend(run);
});
listen((kind) => {
        if (kind === "full") {
                drawRuns();
                reloadTrend();
        }
        paintSoon();
});
/* Ages grow without a word from anybody. */
setInterval(() => model.isLive || paintSoon(), 1000);
start();

/* The last pulses of a precursor laid over one another: a bottle that runs low, or a valve that sticks, shows at once. */
import {model} from "./live.js";
import {ask} from "./api.js";
import {byId, make, setAttribute, setText} from "./dom.js";
import {color, hasLibrary, ink, legendItem, onScheme, options, pattern} from "./charts.js";
import {human} from "./words.js";

const LAST = 5, AGAIN_MS = 5000;
let askedAt = 0, precursor = "", chosen = null, key = "", graph = null, answer = null;

function clear(text) {
        setText(byId("overlay-note"), text);
        graph?.destroy();
        graph = null;
        byId("overlay-chart").replaceChildren();
}

/* [s, one column for each pulse]: their own times, joined. */
function rowsOf(pulses) {
        const at = new Map();

        pulses.forEach((pulse, i) => {
                for (const [t, value] of pulse.points) {
                        if (!at.has(t))
                                at.set(t, new Array(pulses.length).fill(null));
                        at.get(t)[i] = value;
                }
        });
        return [...at.entries()].sort((a, b) => a[0] - b[0]).map(([t, values]) => [t, ...values]);
}

/* The time for which the valve was to be open. */
function drawWidth(pulses) {
        return (context, area, g) => {
                const left = g.toDomXCoord(0), right = g.toDomXCoord(Math.max(...pulses.map((pulse) => pulse.width_s)));

                context.save();
                context.fillStyle = ink("--band");
                context.fillRect(left, area.y, Math.max(2, right - left), area.h);
                context.restore();
        };
}

function drawChart() {
        const pulses = answer.pulses.filter((pulse) => pulse.points.length > 0), rows = rowsOf(pulses);

        if (rows.length === 0) {
                clear(`No pulse of ${precursor} yet.`);
                return;
        }
        clear(`${human(answer.unit)} over the seconds from each opening; the valve is open in the shaded part.`);
        const area = make("div", {class: "chart", role: "img", "aria-label":
                `Pressure during the last ${pulses.length} pulses of ${precursor}; in numbers in the run's report`});
        const legend = make("ul", {class: "legend"}), names = pulses.map((pulse, i) => `cycle ${pulse.cycle} #${i}`);
        pulses.forEach((pulse, i) => legend.append(legendItem(i, `cycle ${pulse.cycle}`).item));
        byId("overlay-chart").append(area, legend);
        graph = new window.Dygraph(area, rows, {...options(), labels: ["s", ...names], connectSeparatedPoints: true,
                colors: pulses.map((_, i) => color(i)),
                series: Object.fromEntries(names.map((name, i) => [name, {strokePattern: pattern(i)}])),
                underlayCallback: drawWidth(pulses)});
}

/* What is wanted by now may be another run or precursor than when it was asked. What did not come is asked for again. */
async function load(run, what) {
        const isWanted = () => key.startsWith(`${what} `);

        try {
                const got = await ask(`/api/overlay?run=${run}&precursor=${encodeURIComponent(precursor)}&last=${LAST}`);
                if (!isWanted())
                        return;
                answer = got;
                drawChart();
        } catch (error) {
                if (!isWanted())
                        return;
                answer = null;
                key = `${what} failed`;
                clear(error.message);
        }
}

function drawButtons(names) {
        const group = byId("precursors");

        if (group.children.length !== names.length)
                group.replaceChildren(...names.map((name) => {
                        const button = make("button", {type: "button"}, name);
                        button.addEventListener("click", () => {
                                precursor = name;
                                drawOverlay();
                        });
                        return button;
                }));
        for (const button of group.children)
                setAttribute(button, "aria-pressed", String(button.textContent === precursor));
}

/* Asked anew as the run goes on, and when it is over. */
export function drawOverlay() {
        if (!model.hasData || !model.tool || !hasLibrary())
                return;
        const names = model.tool.equipment.filter((item) => item.kind === "precursor").map((item) => item.name);
        if (!names.includes(precursor))
                precursor = names[0] || "";
        drawButtons(names);
        const status = model.status, run = chosen ? chosen.id : status.run;
        if (run === null || run === undefined || !precursor) {
                clear("No run yet.");
                return;
        }
        /* Another line or run at once, what a step has added no more often than this. */
        const what = `${run} ${precursor}`, step = chosen ? "" : `${status.cycle} ${status.step} ${status.in_run}`;
        const now = `${what} ${step}`;
        if (now === key || !model.isLive || (key.startsWith(`${what} `) && Date.now() - askedAt < AGAIN_MS))
                return;
        key = now;
        askedAt = Date.now();
        load(run, what);
}

export function chooseOverlay(run) {
        chosen = run;
        drawOverlay();
}

export function startOverlay() {
        onScheme(() => answer && drawChart());
}

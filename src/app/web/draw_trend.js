/* Trends: pressure with the pulses marked, temperatures, flows; zoomed and panned by mouse, touch and keys. */
import {model} from "./live.js";
import {byId, make, setAttribute, setText} from "./dom.js";
import {clock, quantity} from "./words.js";
import {color, hasLibrary, ink, legendItem, onScheme, options, pattern} from "./charts.js";
import {
        carryOn, goLive, load, marks, onPoints, pan, range, rows, setFree, setTags, setWindow, trim, view, zoom,
} from "./trend.js";

const PAINT_MS = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 5000 : 1000;
/* More pulses than this in a window are told by their row of ticks alone. */
const LINES_MAX = 60;
const MOVES = {left: () => pan(-0.25), right: () => pan(0.25), in: () => zoom(0.5), out: () => zoom(2), live: goLive};
const KEYS = {ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", "_": "out", Home: "live"};
let charts = [], built = "", painted = [0, 0], paintedAt = 0, isPainting = false;

/* ---- Pulses ---- */

function drawPulses(context, area, graph) {
        const list = marks(), names = [...new Set(list.map((pulse) => pulse.name))].sort();

        context.save();
        context.font = "12px system-ui, sans-serif";
        names.forEach((name, i) => {
                const own = list.filter((pulse) => pulse.name === name), top = area.y + area.h - 11 * (i + 1);
                context.fillStyle = context.strokeStyle = color(i + 1);
                for (const pulse of own) {
                        const x = graph.toDomXCoord(pulse.t), end = graph.toDomXCoord(pulse.t + 1000 * pulse.width);
                        context.fillRect(x, top, Math.max(2, end - x), 8);
                        if (list.length > LINES_MAX)
                                continue;
                        context.globalAlpha = 0.35;
                        context.fillRect(x, area.y, 1, area.h);
                        context.globalAlpha = 1;
                }
                if (own.length === 0)
                        return;
                const wide = context.measureText(name).width + 6;
                context.fillStyle = ink("--card");
                context.fillRect(area.x + 1, top - 1, wide, 10);
                context.fillStyle = color(i + 1);
                context.fillText(name, area.x + 4, top + 8);
        });
        context.restore();
}

/* ---- One chart ---- */

function specs() {
        const of = (kind) => model.tool.equipment.filter((item) => item.kind === kind && model.tags[item.value]);
        const list = [
                {title: "Pressure", items: of("gauge"), hasPulses: true},
                {title: "Temperatures", items: of("heater")},
                {title: "Gas flow", items: of("flow"), fromZero: true},
        ];
        return list.filter((spec) => spec.items.length > 0).map((spec) => ({...spec, unit: model.tags[spec.items[0].value].unit,
                tags: spec.items.map((item) => item.value)}));
}

function onKey(event) {
        const move = KEYS[event.key];

        if (!move || event.ctrlKey || event.altKey || event.metaKey)
                return;
        event.preventDefault();
        MOVES[move]();
}

/* Caption, area and legend. */
function frame(spec) {
        const area = make("div", {class: "chart", tabindex: "0", role: "group", "aria-label": `${spec.title}, chart`});
        const legend = make("ul", {class: "legend"}), when = make("span", {class: "value"});
        const unit = quantity(0, spec.unit).replace(/^\S+ ?/, "");
        const caption = make("figcaption", {}, make("strong", {}, spec.title), unit ? ` in ${unit} ` : " ", when);
        const entries = spec.items.map((item, i) => legendItem(i, item.kind === "gauge" ? "pressure" : item.name));

        legend.append(...entries.map((entry) => entry.item));
        byId("charts").append(make("figure", {}, caption, area, legend));
        area.addEventListener("keydown", onKey);
        return {area, when, entries};
}

/* The values under the mouse stand in the legend. */
function pointing(spec, {when, entries}) {
        return {
                highlightCallback: (_, t, points) => {
                        setText(when, `at ${clock(t)}`);
                        spec.tags.forEach((tag, i) => {
                                const point = points.find((p) => p.name === tag);
                                if (point)
                                        entries[i].set(quantity(point.yval, spec.unit));
                        });
                },
                unhighlightCallback: () => {
                        setText(when, "");
                        entries.forEach((entry) => entry.set(""));
                },
        };
}

/* Moved by mouse or touch: the window is free from now on. */
function onDrawn(graph, isFirst) {
        const [from, to] = graph.xAxisRange(), [was, until] = painted;

        if (!isPainting && !isFirst && Math.abs(from - was) + Math.abs(to - until) > 1)
                setFree(from, to);
}

function create(spec) {
        const parts = frame(spec), withBars = spec.tags.length === 1;
        const graph = new window.Dygraph(parts.area, placeholder(spec, withBars), {...options(), ...pointing(spec, parts),
                labels: ["time", ...spec.tags], customBars: withBars, connectSeparatedPoints: true,
                includeZero: Boolean(spec.fromZero), dateWindow: painted, colors: spec.tags.map((_, i) => color(i)),
                series: Object.fromEntries(spec.tags.map((tag, i) => [tag, {strokePattern: pattern(i)}])),
                underlayCallback: spec.hasPulses ? drawPulses : null, drawCallback: onDrawn,
                interactionModel: {...window.Dygraph.defaultInteractionModel, dblclick: goLive}});

        return {spec, graph, withBars};
}

/* A chart wants a row before there is any. */
function placeholder(spec, withBars) {
        return [[new Date(range()[1]), ...spec.tags.map(() => (withBars ? [NaN, NaN, NaN] : NaN))]];
}

/* ---- All charts ---- */

function drawButtons() {
        for (const button of byId("windows").children)
                setAttribute(button, "aria-pressed", String(button.dataset.window === view.kind));
        setAttribute(byId("follow"), "aria-pressed", String(view.follows));
        const [from, to] = range(), note = `${clock(from)} to ${view.follows ? "now" : clock(to)}`;
        setText(byId("trend-note"), view.note || (view.follows && view.kind !== "run" && view.kind !== "all" ? "" : note));
}

function paint() {
        painted = range();
        paintedAt = Date.now();
        isPainting = true;
        for (const {spec, graph, withBars} of charts) {
                const data = rows(spec.tags, withBars);
                graph.updateOptions({file: data.length > 0 ? data : placeholder(spec, withBars), dateWindow: painted,
                        ...(view.follows ? {valueRange: null} : {})});
        }
        isPainting = false;
        drawButtons();
}

function build() {
        const list = specs();

        built = JSON.stringify(model.tool);
        for (const chart of charts)
                chart.graph.destroy();
        byId("charts").replaceChildren();
        isPainting = true;
        painted = range();
        charts = list.map(create);
        isPainting = false;
        setTags(list.flatMap((spec) => spec.tags));
}

export function drawTrend() {
        if (!model.hasData || !model.tool)
                return;
        if (!hasLibrary()) {
                setText(byId("trend-note"), "No charts: their library (Debian's libjs-dygraphs) is not installed beside aldweb.");
                return;
        }
        if (built !== JSON.stringify(model.tool))
                build();
        carryOn();
        if (Date.now() - paintedAt < PAINT_MS || document.hidden || !view.follows)
                return;
        trim();
        paint();
}

/* The daemon is back: what was missed is in the record. */
export function reloadTrend() {
        if (charts.length > 0)
                load();
}

export function startTrend() {
        onPoints(paint);
        byId("windows").addEventListener("click", (event) => {
                if (event.target.dataset.window)
                        setWindow(event.target.dataset.window);
                drawButtons();
        });
        byId("zooms").addEventListener("click", (event) => {
                const move = event.target.dataset.move;
                if (move)
                        MOVES[move]();
        });
        onScheme(() => {
                built = "";
                drawTrend();
        });
}

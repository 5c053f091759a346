/* The schematic: precursor lines and gases -> chamber -> exhaust -> pump, with the vent, drawn from the tool's
 * equipment. A valve's position is told by its shape and by a word, not by colour alone. */
import {model} from "./live.js";
import {byId, draw, setAttribute, setText} from "./dom.js";
import {oddity, position, pumpWord, reading, sideOf, target} from "./draw_values.js";
import {tallLayout, wideLayout} from "./tool_layout.js";

const narrow = window.matchMedia("(max-width: 620px)");
let drawn = null, updates = [];

/* ---- Pieces ---- */

function label(x, y, cls, anchor) {
        return draw("text", {x, y, class: cls, "text-anchor": anchor || "start"});
}

function pipe(points) {
        return draw("polyline", {points: points.map((p) => p.join(",")).join(" "), class: "pipe"});
}

/* Text of a tag that says when it is not to be trusted. */
function live(node, tag, textOf) {
        updates.push(() => {
                const odd = oddity(tag);
                setText(node, odd ? `\u26a0 ${textOf()}` : textOf());
                setAttribute(node, "data-odd", odd ? "yes" : null);
        });
        return node;
}

/* Two triangles, tip to tip: filled = open; hollow with a bar across = closed; dashed with "?" = not known. */
function valve(spot, name, tag) {
        const turn = spot.isVertical ? "rotate(90)" : null;
        const shape = draw("g", {transform: turn},
                draw("path", {d: "M-15 -11 L0 0 L-15 11 Z M15 -11 L0 0 L15 11 Z", class: "body"}),
                draw("path", {d: "M0 -14 V14", class: "bar"}));
        const doubt = draw("text", {x: 0, y: 5, class: "doubt", "text-anchor": "middle"}, "?");
        const word = spot.isVertical ? label(22, 12, "word") : label(0, 32, "word", "middle");
        const title = spot.isVertical ? label(22, -5, "name") : label(0, -20, "name", "middle");
        const node = draw("g", {transform: `translate(${spot.x} ${spot.y})`, class: "valve"}, shape, doubt, title, word);

        setText(title, name);
        updates.push(() => {
                const now = position(tag);
                setAttribute(node, "data-position", now);
                setText(word, oddity(tag) ? `\u26a0 ${now}` : now);
        });
        return node;
}

function box(spot, name, lines) {
        const node = draw("g", {transform: `translate(${spot.x} ${spot.y})`, class: "box"},
                draw("rect", {width: spot.width, height: spot.height, rx: 6}));
        const title = label(10, 20, "name");

        setText(title, name);
        node.append(title);
        lines.forEach(([tag, textOf, cls], i) => node.append(live(label(10, 40 + 18 * i, cls || "number"), tag, textOf)));
        return node;
}

function ofSet(item) {
        const now = reading(item.value, item.unit);

        if (item.kind === "heater" && model.tags[item.setpoint]?.value <= 0)
                return `${now}, off`;
        return item.setpoint ? `${now} of ${target(item.setpoint).split(" ")[0]}` : now;
}

/* ---- Parts of the tool ---- */

function inletLines(inlet, byName) {
        if (inlet.kind === "flow")
                return [[inlet.value, () => ofSet(inlet)]];
        const source = byName.get(inlet.source), line = byName.get(inlet.line), lines = [];
        if (source)
                lines.push([source.value, () => ofSet(source)]);
        if (line)
                lines.push([line.value, () => `line ${reading(line.value, line.unit)}`]);
        return lines.length > 0 ? lines : [[null, () => "not heated", "quiet"]];
}

function isOn(tag) {
        return model.tags[tag]?.value >= 0.5;
}

function chamberLines(parts) {
        const lines = [];

        if (parts.gauge)
                lines.push([parts.gauge.value, () => reading(parts.gauge.value, parts.gauge.unit), "big"]);
        if (parts.chamber)
                lines.push([parts.chamber.value, () => ofSet(parts.chamber)]);
        for (const motor of parts.motors)
                lines.push([motor.value, () => `${motor.name} ${ofSet(motor)}`]);
        if (parts.inputs?.lid)
                lines.push([parts.inputs.lid, () => sideOf(parts.inputs.lid, "lid closed", "\u26a0 lid OPEN").replace(/^unknown/, "lid unknown")]);
        return lines;
}

function sort(equipment) {
        const of = (kind) => equipment.filter((item) => item.kind === kind);
        const role = (name) => of("valve").find((item) => item.role === name);
        const sources = new Set(of("precursor").flatMap((item) => [item.source, item.line]));
        const heaters = of("heater").filter((item) => !sources.has(item.name));

        return {
                inlets: [...of("flow"), ...of("precursor")],
                chamber: heaters.find((item) => item.name === "chamber") || heaters[0],
                motors: of("motor"), gauge: of("gauge")[0], inputs: of("inputs")[0], pump: of("pump")[0],
                exhaust: role("exhaust"), vent: role("vent"), soft: role("soft"),
                byName: new Map(equipment.map((item) => [item.name, item])),
        };
}

function pumpCircle(spot, pump) {
        const tag = pump.running || pump.run, word = label(0, 42, "word", "middle"), title = label(0, -30, "name", "middle");
        const node = draw("g", {transform: `translate(${spot.x} ${spot.y})`, class: "pump"}, draw("circle", {r: 22}),
                draw("path", {d: "M-12 -15 L20 0 L-12 15"}), title, live(word, tag, () => pumpWord(pump)));

        setText(title, pump.name);
        updates.push(() => setAttribute(node, "data-running", isOn(tag) ? "yes" : "no"));
        return node;
}

function build(tool, layoutOf) {
        const parts = sort(tool.equipment), layout = layoutOf(parts);
        const svg = draw("svg", {viewBox: `0 0 ${layout.width} ${layout.height}`, role: "img", class: "schematic",
                "aria-label": "Schematic of the tool. Its valves and values are in the table of values."});

        updates = [];
        svg.append(...layout.pipes.map(pipe));
        parts.inlets.forEach((inlet, i) => {
                svg.append(box(layout.inlets[i].box, inlet.name, inletLines(inlet, parts.byName)));
                if (inlet.valve)
                        svg.append(valve(layout.inlets[i].valve, "", inlet.valve));
        });
        svg.append(box(layout.chamber, "chamber", chamberLines(parts)));
        for (const role of ["vent", "exhaust", "soft"])
                if (parts[role])
                        svg.append(valve(layout[role], parts[role].name, parts[role].valve));
        if (parts.pump)
                svg.append(pumpCircle(layout.pump, parts.pump));
        return svg;
}

export function drawTool() {
        if (!model.hasData || !model.tool)
                return;
        /* The tool's own text tells whether another daemon with other equipment has come. */
        const key = `${narrow.matches} ${JSON.stringify(model.tool)}`;
        if (drawn !== key) {
                byId("schematic").replaceChildren(build(model.tool, narrow.matches ? tallLayout : wideLayout));
                drawn = key;
        }
        for (const update of updates)
                update();
}

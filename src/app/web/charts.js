/* What the charts have in common: colours of the present scheme, lines that differ by more than colour, legends. */
import {draw, make, setText} from "./dom.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const COLORS = {
        light: ["#0b5cad", "#b3450c", "#1c6b34", "#8a2a8f", "#6b5200", "#00717a"],
        dark: ["#7ab8ff", "#ffb07a", "#7fd694", "#e0a0ea", "#e3cf6a", "#6fd6df"],
};
const PATTERNS = [null, [7, 3], [2, 3], [10, 3, 2, 3], [12, 5], [4, 2, 2, 2]];

export function color(i) {
        const list = COLORS[dark.matches ? "dark" : "light"];
        return list[i % list.length];
}

export function pattern(i) {
        return PATTERNS[i % PATTERNS.length];
}

export function ink(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* The charts' colours are drawn, not styled: they follow the scheme by being made anew. */
export function onScheme(listener) {
        dark.addEventListener("change", listener);
}

export function options() {
        return {legend: "never", gridLineColor: ink("--line"), axisLineColor: ink("--muted"), axisLabelFontSize: 13,
                strokeWidth: 1.6, rightGap: 8, xRangePad: 0, highlightCircleSize: 3, digitsAfterDecimal: 4, fillAlpha: 0.35};
}

export function legendItem(i, name) {
        const dashes = pattern(i), swatch = draw("svg", {width: 28, height: 10, "aria-hidden": "true"},
                draw("line", {x1: 0, x2: 28, y1: 5, y2: 5, stroke: color(i), "stroke-width": 2.5,
                        "stroke-dasharray": dashes ? dashes.join(" ") : null}));
        const value = make("span", {class: "value"}), item = make("li", {}, swatch, ` ${name} `, value);

        return {item, set: (text) => setText(value, text)};
}

export const hasLibrary = () => typeof window.Dygraph === "function";

/* Its own legend wants inline styles, which the page's Content-Security-Policy refuses; the page has a legend of its own. */
if (hasLibrary())
        window.Dygraph.PLUGINS = window.Dygraph.PLUGINS.filter((plugin) => plugin !== window.Dygraph.Plugins.Legend);

/* Numbers, times and units as people read them: local time on screen, UTC in a title. */

const DECIMALS = {degC: 1, K: 1, sccm: 1, rpm: 2, "%": 1};

/* "degC" in values and in the daemon's own texts. */
export function human(text) {
        return (text || "").replace(/\bdegC\b/g, "\u00b0C");
}

export function number(value, unit) {
        if (value === null || value === undefined || !Number.isFinite(value))
                return "no value";
        if (unit in DECIMALS)
                return (Math.abs(value) < 0.5 * 10 ** -DECIMALS[unit] ? 0 : value).toFixed(DECIMALS[unit]);
        if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6))
                return value.toExponential(2);
        /* As many places as four digits need: the width changes only with the magnitude. */
        const whole = Math.max(1, Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))) + 1);
        return value.toFixed(Math.max(0, 4 - whole));
}

export function quantity(value, unit) {
        const digits = number(value, unit);
        return unit && digits !== "no value" ? `${digits} ${human(unit)}` : digits;
}

/* A set-point has the digits it was given: "110", not "110.0". */
export function setpoint(value, unit) {
        if (value === null || value === undefined)
                return "none";
        return `${Number(value.toPrecision(6))} ${human(unit)}`.trim();
}

export function duration(seconds) {
        const s = Math.max(0, Math.round(seconds));
        const two = (n) => String(n).padStart(2, "0");
        if (s < 60)
                return `${s} s`;
        if (s < 3600)
                return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
        if (s < 100 * 3600)
                return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
        return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

/* "2026-11-21T10:15:30.123456Z", or ms since the epoch. */
export function instant(time) {
        return typeof time === "number" ? time : Date.parse(time);
}

export function clock(time) {
        const then = new Date(instant(time)), now = new Date();
        const hours = then.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false});
        return then.toDateString() === now.toDateString() ? hours : `${day(then)} ${hours}`;
}

function day(date) {
        const two = (n) => String(n).padStart(2, "0");
        return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function utc(time) {
        const then = new Date(instant(time));
        return Number.isNaN(then.getTime()) ? "" : `${then.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function count(n, one, many) {
        return `${n} ${n === 1 ? one : many || one + "s"}`;
}

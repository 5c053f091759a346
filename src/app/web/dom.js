/* Small helpers that touch the document only where something changed: no flicker, and nothing for a screen reader to
 * say again. */

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
        return document.getElementById(id);
}

function fill(node, attributes, children) {
        for (const [name, value] of Object.entries(attributes || {}))
                if (value !== null && value !== undefined && value !== false)
                        node.setAttribute(name, value === true ? "" : value);
        node.append(...children.filter((child) => child !== null && child !== undefined));
        return node;
}

export function make(tag, attributes, ...children) {
        return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes, ...children) {
        return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function setText(node, text) {
        const value = String(text);
        if (node.textContent !== value)
                node.textContent = value;
}

export function setAttribute(node, name, value) {
        if (value === null || value === undefined || value === false) {
                if (node.hasAttribute(name))
                        node.removeAttribute(name);
        } else if (node.getAttribute(name) !== String(value)) {
                node.setAttribute(name, value);
        }
}

export function show(node, isShown) {
        if (node.hidden === isShown)
                node.hidden = !isShown;
}

/* Children of `parent`, one for each item, kept by key: `create(item)` makes one, `update(node, item)` fills it. Of items with
 * one key the second is "key#2". */
export function keep(parent, items, keyOf, create, update) {
        const before = [...parent.children], old = new Map(before.map((node) => [node.dataset.key, node]));
        const counts = new Map(), used = new Set();
        let at = parent.firstElementChild;
        for (const item of items) {
                const own = String(keyOf(item)), count = (counts.get(own) || 0) + 1, key = count > 1 ? `${own}#${count}` : own;
                let node = old.get(key);
                counts.set(own, count);
                if (node === undefined) {
                        node = create(item);
                        node.dataset.key = key;
                }
                if (node === at)
                        at = at.nextElementSibling;
                else
                        parent.insertBefore(node, at);
                used.add(node);
                update(node, item);
        }
        for (const node of before)
                if (!used.has(node))
                        node.remove();
}

/* Filling by class name below `node`. */
export function part(node, name) {
        return node.querySelector(`.${name}`);
}

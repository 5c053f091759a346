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

/* Children of `parent`, one for each item, kept by key: `create(item)` makes one, `update(node, item)` fills it. */
export function keep(parent, items, keyOf, create, update) {
        const old = new Map();
        for (const node of parent.children)
                old.set(node.dataset.key, node);
        let at = parent.firstElementChild;
        for (const item of items) {
                const key = String(keyOf(item));
                let node = old.get(key);
                old.delete(key);
                if (node === undefined) {
                        node = create(item);
                        node.dataset.key = key;
                }
                if (node === at)
                        at = at.nextElementSibling;
                else
                        parent.insertBefore(node, at);
                update(node, item);
        }
        for (const node of old.values())
                node.remove();
}

/* Filling by class name below `node`. */
export function part(node, name) {
        return node.querySelector(`.${name}`);
}

/* Where the pieces of the schematic stand: side by side on a wide screen, one below the other on a phone. */

/* Precursors and gases on the left, chamber in the middle, exhaust and pump on the right. */
export function wideLayout(parts) {
        const rows = parts.inlets.length, pitch = 86, boxHeight = 66, top = 8;
        const middle = Math.max(150, top + (rows * pitch) / 2 - 10);
        const height = Math.max(middle + 145, top + rows * pitch);
        const chamber = {x: 330, y: middle - 62, width: 168, height: 124}, right = chamber.x + chamber.width;
        const inlets = parts.inlets.map((_, i) => {
                const y = top + i * pitch + boxHeight / 2;
                return {y, box: {x: 6, y: y - boxHeight / 2, width: 164, height: boxHeight}, valve: {x: 222, y}};
        });
        const first = inlets[0]?.y ?? middle, last = inlets[rows - 1]?.y ?? middle;
        const soft = {x: 556, y: middle + 96}, exhaust = {x: 556, y: middle};
        const pipes = inlets.map((inlet) => [[170, inlet.y], [285, inlet.y]]);

        pipes.push([[285, Math.min(first, middle)], [285, Math.max(last, middle)]], [[285, middle], [chamber.x, middle]],
                [[right, middle], [650, middle]]);
        if (parts.vent)
                pipes.push([[chamber.x + 40, chamber.y], [chamber.x + 40, chamber.y - 62]]);
        if (parts.soft)
                pipes.push([[right + 15, middle], [right + 15, soft.y], [602, soft.y], [602, middle]]);
        return {width: 700, height, pipes, inlets, chamber, exhaust, soft, pump: {x: 656, y: middle},
                vent: {x: chamber.x + 40, y: chamber.y - 36, isVertical: true}};
}

/* Three to a row on top; the chamber below them; exhaust and pump at the bottom. */
export function tallLayout(parts) {
        const columns = 2, boxHeight = 66, width = 330, rows = Math.ceil(parts.inlets.length / columns), pitch = 110;
        const bus = 8 + rows * pitch + 4, chamber = {x: 20, y: bus + 24, width: 200, height: 124};
        const bottom = chamber.y + chamber.height, left = 70, soft = 200;
        const inlets = parts.inlets.map((_, i) => {
                const row = Math.floor(i / columns), column = i % columns;
                const x = 12 + column * 158, y = 8 + row * pitch, side = column ? 326 : 4;
                return {box: {x, y, width: 148, height: boxHeight}, valve: {x: x + 24, y: y + boxHeight + 22, isVertical: true},
                        /* Down beside the boxes of the next row. */
                        drop: row === rows - 1 ? [[x + 24, y + boxHeight], [x + 24, bus]] :
                                [[x + 24, y + boxHeight], [x + 24, y + boxHeight + 40], [side, y + boxHeight + 40], [side, bus]]};
        });
        const pipes = inlets.map((inlet) => inlet.drop);

        pipes.push([[4, bus], [326, bus]], [[120, bus], [120, chamber.y]], [[left, bottom], [left, bottom + 112]]);
        if (parts.vent)
                pipes.push([[220, chamber.y + 62], [304, chamber.y + 62]]);
        if (parts.soft)
                pipes.push([[soft, bottom], [soft, bottom + 82], [left, bottom + 82]]);
        return {width, height: bottom + 186, pipes, inlets, chamber, exhaust: {x: left, y: bottom + 38, isVertical: true},
                soft: {x: soft, y: bottom + 38, isVertical: true}, pump: {x: left, y: bottom + 136},
                vent: {x: 262, y: chamber.y + 62}};
}

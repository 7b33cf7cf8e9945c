/**
 * Cycles of imports: between the rooms of a folder, and between files.
 *
 * @module
 */

/** Who imports whom. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** Folders whose sub-folders are rooms: what stands in the folder itself is a room of its own. */
const FOLDERS_WITH_ROOMS = new Set(["peer", "crypto"]);

/** The room of a file, or `null` where the folder has none. */
function roomOf(path: string): string | null {
  const [folder, room, ...rest] = path.split("/");
  if (folder === undefined || !FOLDERS_WITH_ROOMS.has(folder)) return null;
  return rest.length === 0 ? path : `${folder}/${room}`;
}

/** The same imports, seen as those of rooms. */
export function importsOfRooms(files: Imports): Imports {
  const rooms = new Map<string, Set<string>>();
  for (const [file, imported] of files) {
    const from = roomOf(file);
    if (from === null) continue;
    const targets = rooms.get(from) ?? new Set();
    rooms.set(from, targets);
    for (const path of imported) {
      const to = roomOf(path);
      if (to !== null && to !== from) targets.add(to);
    }
  }
  return rooms;
}

/**
 * The shortest cycle through each knot of imports, by breadth-first search from its first name.
 * @returns Each as the names on its way, the first one not repeated at the end; in the order of names.
 */
export function findCycles(imports: Imports): string[][] {
  const cycles: string[][] = [];
  const told = new Set<string>();
  for (const start of [...imports.keys()].sort()) {
    if (told.has(start)) continue;
    const cycle = shortestCycle(imports, start);
    if (cycle === null) continue;
    cycles.push(cycle);
    for (const name of cycle) told.add(name);
  }
  return cycles;
}

function shortestCycle(imports: Imports, start: string): string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const next of [...imports.get(name) ?? []].sort()) {
      if (next === start) return wayTo(name, cameFrom);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return null;
}

function wayTo(name: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [name];
  for (let at = cameFrom.get(name); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}

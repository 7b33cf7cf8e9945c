import { setImmediate } from "node:timers";

/** How many turns of the event loop what a timer set off may take; a database commit takes one. */
const TURNS = 30;

/** Lets one turn of the event loop pass, with all promise jobs before it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** Lets everything that is under way in this process come to rest, as long as it waits for no other one. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}

/**
 * Has a Worker with much to do run behind the other threads of its process, where the system keeps a priority for each
 * thread.
 *
 * @module
 */
import { getPriority, setPriority } from "node:os";
import { PRIORITY_PERMISSIONS } from "./interface.ts";

/** A third of what another thread gets where all are busy; nothing less where a processor is free. */
const BEHIND = 5;
const LAST = 19;

/** Does it if this Worker may, which it may no more afterwards. */
export function stepBehind(): void {
  const isGranted = PRIORITY_PERMISSIONS.every((kind) =>
    Deno.permissions.querySync({ name: "sys", kind }).state === "granted"
  );
  if (!isGranted) return;
  try {
    setPriority(Math.min(LAST, getPriority() + BEHIND));
  } catch {
    // A service manager may forbid it: then it runs as the others do.
  }
  for (const kind of PRIORITY_PERMISSIONS) Deno.permissions.revokeSync({ name: "sys", kind });
}

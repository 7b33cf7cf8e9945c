/**
 * A database as one process sees it.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ProcessDied, type VirtualProcess } from "./virtual_process.ts";

interface Guard {
  readonly process: VirtualProcess;
  /** Counts a statement that may write; `true` means the process dies right after it. */
  readonly countStatement: () => boolean;
}

const WRITING_METHODS: ReadonlySet<PropertyKey> = new Set(["exec", "run"]);

function checkAlive(process: VirtualProcess): void {
  if (!process.isAlive) throw new ProcessDied("The process is dead");
}

function callGuarded(guard: Guard, key: PropertyKey, call: () => unknown): unknown {
  checkAlive(guard.process);
  const result = call();
  if (WRITING_METHODS.has(key) && guard.countStatement()) {
    guard.process.kill();
    throw new ProcessDied("The process died in a database call");
  }
  return result;
}

function guardObject<T extends object>(
  target: T,
  guard: Guard,
  replace: (key: PropertyKey, result: unknown) => unknown,
): T {
  return new Proxy(target, {
    get(object, key) {
      const member: unknown = Reflect.get(object, key, object);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        replace(key, callGuarded(guard, key, () => Reflect.apply(member, object, args)));
    },
  });
}

/** Cuts a database off from a process that is dead, and keeps it open when a process closes it. */
export function guardDatabase(database: DatabaseSync, guard: Guard): DatabaseSync {
  const guarded = guardObject(
    database,
    guard,
    (key, result) =>
      key === "prepare" ? guardObject(result as StatementSync, guard, (_, row) => row) : result,
  );
  return new Proxy(guarded, {
    get: (object, key) => key === "close" ? () => undefined : Reflect.get(object, key, object),
  });
}

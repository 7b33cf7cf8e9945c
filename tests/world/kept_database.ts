import type { DatabaseSync } from "node:sqlite";

/** A database in memory that outlives the process that closes it. */
export function keepOpen(database: DatabaseSync): DatabaseSync {
  return new Proxy(database, {
    get(target, key) {
      if (key === "close") return () => {};
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

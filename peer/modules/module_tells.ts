/**
 * What a module tells without being asked: lines of the log, counters, events, warnings. All of it stays in the node's
 * memory or on its disk, so a module from a file has a share of each; and none of it can pass for a word of the node.
 *
 * @module
 */
import type { AuditNote, ModuleAudit, ModuleContext, NodeId } from "../../modules/api.ts";
import type { Clock, Log, LogFields, LogLevel } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { NodeEvents } from "../events/events.ts";
import type { ModuleKind } from "./running_module.ts";

const COUNTER = /^[a-z][a-z0-9_]{0,31}$/;
const MAX_COUNTERS = 64;
const MAX_TOPICS = 16;
const MAX_LINES_A_MINUTE = 600;
const MAX_EVENTS_A_MINUTE = 6_000;
const MINUTE_MS = 60_000;

interface TellParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  readonly events: NodeEvents;
}

/** What one module has told since it started. */
export class ModuleTells {
  readonly #parts: TellParts;
  readonly #name: string;
  readonly #isBounded: boolean;
  readonly #counters = new Set<string>();
  readonly #topics = new Set<string>();
  #minute = { startMs: -Infinity, lines: 0, events: 0 };

  constructor(parts: TellParts, { name, kind }: { name: string; kind: ModuleKind }) {
    this.#parts = parts;
    this.#name = name;
    this.#isBounded = kind === "file";
  }

  get members(): Pick<ModuleContext, "log" | "metrics" | "events" | "audit"> {
    return {
      log: { log: (level, event, fields = {}) => this.#log(level, event, fields) },
      metrics: { count: (counter, by = 1) => this.#count(counter, by) },
      events: {
        emit: (type, data) => this.#emit(type, data),
        warn: (topic, text) => this.#warn(topic, text),
        settle: (topic) => this.#settle(topic),
      },
      audit: this.#isBounded ? null : {
        note: (...noted) => this.#audit(...noted),
        noteOwn: (event, fields, by) => {
          if (by === "stranger") this.#parts.events.auditStranger(event, fields);
          else this.#parts.events.audit(event, fields);
        },
      },
    };
  }

  /** Takes back what it warned of: nobody else will. */
  stop(): void {
    for (const topic of this.#topics) this.#settle(topic);
  }

  /** What is beyond its share is left out. */
  #log(level: LogLevel, event: string, fields: LogFields): void {
    if (this.#isWithin("lines", MAX_LINES_A_MINUTE)) {
      const from = this.#isBounded ? `module_says_${this.#name}` : this.#name;
      this.#parts.log.log(level, `${from}_${event}`, fields);
    }
  }

  #emit(type: string, data: Readonly<Record<string, unknown>>): void {
    if (!this.#isWithin("events", MAX_EVENTS_A_MINUTE)) return;
    this.#parts.events.emit({ ...data, type: `${this.#name}.${type}` });
    // The words of a module from a file are not the node's: no metric is named by them.
    if (this.#isBounded) return;
    const event = typeof data.state === "string" ? `${type}_${data.state}` : type;
    this.#parts.events.counts.told(this.#name, event);
  }

  #audit(...[event, fields, by]: Parameters<ModuleAudit["note"]>): void {
    const { events } = this.#parts;
    if (by === "owner") events.audit(event, fields);
    else if (by === "peer" && isOfPeer(fields)) events.auditPeer(event, fields);
    else events.auditStranger(event, fields);
  }

  #count(counter: string, by: number): void {
    if (!COUNTER.test(counter)) throw new RangeError("Expected a counter of a–z, 0–9 and _");
    this.#hold(this.#counters, { one: counter, max: MAX_COUNTERS });
    const from = this.#isBounded ? `module_${this.#name}` : this.#name;
    this.#parts.events.countOf(`${from}_${counter}`, by);
  }

  #warn(topic: string, text: string): void {
    this.#hold(this.#topics, { one: topic, max: MAX_TOPICS });
    // The owner must not take it for a word of the node.
    const said = this.#isBounded ? `The module ${this.#name} says: "${text}"` : text;
    this.#parts.events.warn(this.#topicOf(topic), said, { event: "module_warning" });
  }

  #settle(topic: string): void {
    this.#topics.delete(topic);
    this.#parts.events.settle(this.#topicOf(topic));
  }

  #topicOf(topic: string): string {
    return `${this.#name}: ${topic}`;
  }

  #hold(names: Set<string>, { one, max }: { one: string; max: number }): void {
    if (this.#isBounded && !names.has(one) && names.size >= max) {
      throw new OpenRedError("overloaded", `Expected at most ${max} different names`);
    }
    names.add(one);
  }

  #isWithin(what: "lines" | "events", max: number): boolean {
    if (!this.#isBounded) return true;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#minute.startMs >= MINUTE_MS) {
      this.#minute = { startMs: nowMs, lines: 0, events: 0 };
    }
    this.#minute[what] += 1;
    return this.#minute[what] <= max;
  }
}

function isOfPeer(fields: AuditNote): fields is AuditNote & { readonly peer: NodeId } {
  return typeof fields.peer === "string";
}

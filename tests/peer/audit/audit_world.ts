/** An audit log over memory, with what a test wants to do to it. */
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { decodeUtf8, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { OpenedKeystore } from "../../../crypto/interface.ts";
import { AuditLog } from "../../../peer/audit/audit_log.ts";
import type { AuditFields } from "../../../peer/events/events.ts";
import type { AuditParts } from "../../../peer/audit/audit_parts.ts";
import { AUDIT_DEFAULTS, type AuditSettings } from "../../../protocol/node_settings.ts";
import { AuditReader } from "../../../peer/audit/reader.ts";
import { AuditVerifier } from "../../../peer/audit/verifier.ts";
import type { Clock } from "../../../ports/ports.ts";
import { systemRandom } from "../../../ports/system.ts";
import type { AuditHeadView, AuditReport } from "../../../protocol/audit_api.ts";
import { MortalFiles } from "./mortal_files.ts";
import { CHEAP_COST } from "../../world/cores.ts";

export const PEER = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
export const NEVER = new AbortController().signal;

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Fires what is due at once by itself, everything else when told. */
export class ManualClock implements Clock {
  wallMs = 1_790_000_000_000;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return Math.floor(this.wallMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    if (delayMs === 0) queueMicrotask(() => this.#fire(timer));
    return () => void this.#timers.delete(timer);
  }

  /** Goes on in steps, letting promises run between them. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      const step = Math.min(500, endMs - this.#nowMs);
      this.#nowMs += step;
      this.wallMs += step;
      for (const timer of [...this.#timers]) if (timer.atMs <= this.#nowMs) this.#fire(timer);
      await settle();
    }
  }

  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.callback();
  }
}

/** Lets everything go on that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

export class AuditWorld {
  readonly core: LocalCryptoCore;
  readonly keys: OpenedKeystore;
  readonly clock = new ManualClock();
  readonly warnings = new Map<string, string>();
  readonly notes: string[] = [];

  private constructor(core: LocalCryptoCore, keys: OpenedKeystore) {
    this.core = core;
    this.keys = keys;
  }

  static async create(): Promise<AuditWorld> {
    const core = await LocalCryptoCore.create();
    const { sealed } = await core.createKeystore({
      secret: encodeUtf8("secret"),
      cost: CHEAP_COST,
    });
    const keys = await core.openKeystore({ sealed, secret: encodeUtf8("secret") });
    return new AuditWorld(core, keys);
  }

  parts(files: MortalFiles): AuditParts {
    return {
      crypto: this.core,
      clock: this.clock,
      random: systemRandom,
      files,
      nodeId: this.keys.nodeId,
      identity: this.keys.identity,
      keys: this.keys.audit,
      marks: {
        read: () => files.mark,
        write: (_nodeId, number) => Promise.resolve(void (files.mark = number)),
        note: (_nodeId, number) => void (files.noted = number),
      },
      warnings: {
        warn: (topic, text) => void this.warnings.set(topic, text),
        settle: (topic) => void this.warnings.delete(topic),
        note: (topic) => void this.notes.push(topic),
      },
    };
  }

  open(files: MortalFiles, settings: Partial<AuditSettings> = {}): Promise<AuditLog> {
    return AuditLog.open(this.parts(files), { ...AUDIT_DEFAULTS, ...settings });
  }

  /** A log of so many entries, closed; rotated after every `perFile` of them. */
  async write(count: number, perFile = Infinity): Promise<MortalFiles> {
    const files = new MortalFiles();
    const log = await this.open(files, { maxBytes: 2 ** 30, maxAgeMs: 1_000 });
    for (let at = 0; at < count; at += perFile) {
      if (at > 0) this.clock.wallMs += 1_000;
      await this.fill(log, { from: at, to: Math.min(count, at + perFile) });
    }
    await log.stop();
    return files;
  }

  /** A line for each entry. */
  async fill(log: AuditLog, options: { from: number; to: number }): Promise<void> {
    for (let at = options.from; at < options.to; at++) {
      const fields: AuditFields = { success: at % 3 !== 0, index: at };
      await log.record(`event_${at % 2}`, at % 2 === 0 ? { ...fields, peer: PEER } : fields);
    }
  }

  verifier(files: MortalFiles, log: AuditLog): AuditVerifier {
    return new AuditVerifier(this.parts(files), log);
  }

  reader(files: MortalFiles, log: AuditLog): AuditReader {
    return new AuditReader(this.parts(files), log);
  }

  verify(
    files: MortalFiles,
    log: AuditLog,
    kept: AuditHeadView | null = null,
  ): Promise<AuditReport> {
    return this.verifier(files, log).verify({ kept, signal: NEVER, progress: () => {} });
  }

  /** Opens a closed log's files, damages them, and verifies: as somebody would who changes them under a running node. */
  async verifyChanged(
    written: MortalFiles,
    change: (files: MortalFiles) => void,
  ): Promise<AuditReport> {
    const files = written.twin();
    const log = await this.open(files);
    change(files);
    const report = await this.verify(files, log);
    await log.stop();
    return report;
  }

  /** The same, with the damage done while the node is down. */
  async verifyAfterStart(
    written: MortalFiles,
    change: (files: MortalFiles) => void,
  ): Promise<AuditReport> {
    const files = written.twin();
    change(files);
    const log = await this.open(files);
    await log.record("started", { success: true });
    const report = await this.verify(files, log);
    await log.stop();
    return report;
  }
}

/** The lines of a file, without newlines. */
export function linesOf(files: MortalFiles, name: string): string[] {
  return decodeUtf8(files.content.get(name)!).split("\n").slice(0, -1);
}

export function setLines(files: MortalFiles, name: string, lines: readonly string[]): void {
  files.content.set(name, encodeUtf8(lines.map((line) => `${line}\n`).join("")));
}

/**
 * What the node's owner can see of the audit log, as answers of the admin API.
 *
 * @module
 */
import type * as v from "valibot";
import { encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type {
  auditExportQuerySchema,
  AuditHeadView,
  auditQuerySchema,
  AuditVerifyLine,
  auditVerifyQuerySchema,
  AuditView,
} from "../../protocol/audit_api.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import { AuditReader } from "../audit/reader.ts";
import type { AuditParts } from "../audit/audit_parts.ts";
import { AuditVerifier } from "../audit/verifier.ts";

/** Lines between two words of progress. */
const PROGRESS_LINES = 2_048;

/** The owner's view of the audit log. */
export class AuditDesk {
  readonly #log: AuditLog;
  readonly #reader: AuditReader;
  readonly #verifier: AuditVerifier;

  constructor(parts: Pick<AuditParts, "crypto" | "files" | "nodeId" | "keys">, log: AuditLog) {
    this.#log = log;
    this.#reader = new AuditReader(parts, log);
    this.#verifier = new AuditVerifier(parts, log);
  }

  /** @param resolve Says which id a word for a peer means. */
  show(
    query: v.InferOutput<typeof auditQuerySchema>,
    resolve: (peer: string) => NodeId,
  ): Promise<AuditView> {
    const { event, peer, since, until, failed, limit, after } = query;
    return this.#reader.show({
      event,
      peer: peer === undefined ? undefined : resolve(peer),
      sinceMs: since,
      untilMs: until,
      onlyFailed: failed === "1",
      limit,
      after,
    });
  }

  head(): AuditHeadView {
    const { number, hash } = this.#log.durable.position;
    return { number, hash };
  }

  export(query: v.InferOutput<typeof auditExportQuerySchema>): Response {
    return streamAnswer((signal) => this.#reader.export({ raw: query.raw === "1", signal }));
  }

  verify(query: v.InferOutput<typeof auditVerifyQuerySchema>): Response {
    return streamAnswer((signal) => this.#verifyLines(query.head ?? null, signal));
  }

  async *#verifyLines(
    kept: AuditHeadView | null,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const line = (value: AuditVerifyLine) => encodeUtf8(`${JSON.stringify(value)}\n`);
    const words: AuditVerifyLine[] = [];
    let wake = () => {};
    let saidLines = 0;
    const progress = (checked: number, total: number) => {
      if (checked < saidLines + PROGRESS_LINES) return;
      saidLines = checked;
      words.push({ checked, total });
      wake();
    };
    let isDone = false;
    const work = this.#verifier.verify({ kept, signal, progress }).finally(() => {
      isDone = true;
      wake();
    });
    work.catch(() => undefined);
    while (!isDone) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isDone || words.length > 0) resolve();
      });
      for (const word of words.splice(0)) yield line(word);
    }
    yield line({ report: await work });
  }
}

/** An answer of JSON lines. Its work ends when the reader goes. */
function streamAnswer(start: (signal: AbortSignal) => AsyncGenerator<Uint8Array>): Response {
  const gone = new AbortController();
  const chunks = start(gone.signal);
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => {
      gone.abort();
      await chunks.return(undefined).catch(() => undefined);
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
  });
}

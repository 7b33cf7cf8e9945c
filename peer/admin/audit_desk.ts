/**
 * What the node's owner can see of the audit log, as answers of the admin API.
 *
 * @module
 */
import type * as v from "valibot";
import { encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type {
  auditExportQuerySchema,
  AuditFilters,
  AuditHeadView,
  auditQuerySchema,
  AuditVerifyLine,
  auditVerifyQuerySchema,
  AuditView,
} from "../../protocol/audit_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import { openFormerLog } from "../audit/former_log.ts";
import type { LogMarks } from "../audit/log_marks.ts";
import { type AuditFilter, AuditReader } from "../audit/reader.ts";
import { AuditVerifier, type VerifierParts } from "../audit/verifier.ts";

/** Lines between two words of progress. */
const PROGRESS_LINES = 2_048;

/** Says which id a word for a peer means. */
type ResolvePeer = (peer: string) => NodeId;

/** The owner's view of the audit log. */
export class AuditDesk {
  readonly #parts: VerifierParts & { readonly marks: LogMarks };
  readonly #log: AuditLog;
  readonly #reader: AuditReader;
  readonly #verifier: AuditVerifier;

  constructor(parts: VerifierParts & { readonly marks: LogMarks }, log: AuditLog) {
    this.#parts = parts;
    this.#log = log;
    this.#reader = new AuditReader(parts, log);
    this.#verifier = new AuditVerifier(parts, log);
  }

  /**
   * @throws {OpenRedError} `unreachable` when `signal` fired: nobody waits for the answer any more.
   */
  async show(
    query: v.InferOutput<typeof auditQuerySchema>,
    options: { readonly resolve: ResolvePeer; readonly signal: AbortSignal },
  ): Promise<AuditView> {
    const { limit, after } = query;
    const asked = { ...filterOf(query, options.resolve), limit, after };
    try {
      return await this.#reader.show(asked, options.signal);
    } catch (cause) {
      if (!options.signal.aborted) throw cause;
      throw new OpenRedError("unreachable", "Whoever asked has gone", { cause });
    }
  }

  head(): AuditHeadView {
    const { number, hash } = this.#log.durable.position;
    return { number, hash };
  }

  export(query: v.InferOutput<typeof auditExportQuerySchema>, resolve: ResolvePeer): Response {
    const filter = filterOf(query, resolve);
    return streamAnswer((signal) =>
      this.#reader.export(filter, { raw: query.raw === "1", signal })
    );
  }

  /** @throws {OpenRedError} `not_found` where there is no log of that former identity. */
  async verify(query: v.InferOutput<typeof auditVerifyQuerySchema>): Promise<Response> {
    const { former, head: kept = null } = query;
    const verifier = former === undefined
      ? this.#verifier
      : await openFormerLog({ ...this.#parts, nodeId: former });
    return streamAnswer((signal) => verifyLines(verifier, { kept, signal }));
  }
}

function filterOf(query: AuditFilters, resolve: ResolvePeer): AuditFilter {
  const { event, peer, since, until, failed } = query;
  return {
    event,
    peer: peer === undefined ? undefined : resolve(peer),
    sinceMs: since,
    untilMs: until,
    onlyFailed: failed === "1",
  };
}

/** The words of a verification, and its report as the last one. */
async function* verifyLines(
  verifier: AuditVerifier,
  { kept, signal }: { readonly kept: AuditHeadView | null; readonly signal: AbortSignal },
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
  const work = verifier.verify({ kept, signal, progress }).finally(() => {
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

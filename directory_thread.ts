/**
 * A thread of a directory that listens beside the main one: a Worker that may do nothing but that. `central_threads.ts`
 * starts it.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { MAX_REQUEST_BYTES, readRequestBody } from "./directory/request_body.ts";
import { ReadingThread } from "./directory/threads/reading_thread.ts";
import type { DeskCalls, ThreadSetUp } from "./directory/threads/thread_desk.ts";
import type { Counted } from "./directory/counters.ts";
import type { SharedFilter } from "./directory/stores/shared_reads.ts";
import type { ListenerLimits } from "./ports/listener_limits.ts";
import type { Log, LogFields, LogLevel } from "./ports/ports.ts";
import { systemClock } from "./ports/system_clock.ts";
import { type CertificateFiles, readCertificate } from "./ports/system_tls.ts";
import { ThreadCalls } from "./ports/thread_calls.ts";
import { CertificateInUse } from "./process/certificate_in_use.ts";
import { listen, type Listening } from "./process/listening.ts";
import {
  packRequest,
  type PassedAnswer,
  type PassedRequest,
  unpackAnswer,
} from "./process/passed_requests.ts";
import { hasCode } from "./protocol/errors.ts";
import { TrustedProxies } from "./protocol/trusted_proxies.ts";

/** How it listens. */
export interface ThreadStart {
  readonly hostname: string;
  readonly port: number;
  readonly limits: Partial<ListenerLimits>;
  /** `null`: without TLS. */
  readonly certificate: CertificateFiles | null;
  readonly directory: ThreadSetUp;
}

/** What the thread may be asked. */
export type ThreadHears = {
  /** Answers once it listens. */
  readonly begin: (start: ThreadStart) => void;
  readonly adopt: (filter: SharedFilter) => void;
  readonly certificate: (files: CertificateFiles) => void;
  readonly counts: () => { readonly counted: readonly Counted[]; readonly connections: number };
  readonly shutdown: (graceMs: number) => Promise<void>;
};

/** What the thread asks. */
export type ThreadSays = DeskCalls & {
  readonly answer: (request: PassedRequest) => Promise<PassedAnswer>;
  readonly log: (
    line: { readonly level: LogLevel; readonly event: string; readonly fields: LogFields },
  ) => void;
};

interface Begun {
  readonly listening: Listening;
  readonly thread: ReadingThread;
  readonly certificate: CertificateInUse | null;
}

let begun: Begun | null = null;

const main = new ThreadCalls<ThreadSays>(
  self,
  {
    begin: (start) => void (begun = begin(start)),
    adopt: (filter) => begun?.thread.adopt(filter),
    certificate: (files) => begun?.certificate?.serve(readCertificate(files)),
    counts: () => ({
      counted: begun?.thread.counts() ?? [],
      connections: begun?.listening.connections ?? 0,
    }),
    shutdown: async (graceMs) => await begun?.listening.shutdown(graceMs),
  } satisfies ThreadHears,
);

const log: Log = {
  log: (level, event, fields = {}) => main.tell("log", { level, event, fields }),
};

function begin({ hostname, port, limits, certificate: files, directory }: ThreadStart): Begun {
  const certificate = files === null ? null : new CertificateInUse(readCertificate(files));
  const listening = listen({
    hostname,
    port,
    shares: "further",
    flag: "--listen",
    name: "directory",
    log,
    limits,
    trustedProxies: TrustedProxies.parse(directory.trustedProxies) ?? TrustedProxies.NONE,
    certificate,
  });
  const thread = new ReadingThread({
    clock: systemClock,
    log,
    desk: {
      find: (id) => main.call("find", id),
      take: (of) => main.call("take", of),
    },
    passOn,
  }, directory);
  listening.answerWith((request, address) => thread.answer(request, address));
  // What is caught nowhere ends the thread, and with it the directory.
  listening.finished.catch(reportError);
  return { listening, thread, certificate };
}

/** What is too long goes on as that: a call that takes a body refuses it, and a path that is none never looks. */
async function passedBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readRequestBody(systemClock, request);
  } catch (error) {
    if (!hasCode(error, "too_large")) throw error;
    return new Uint8Array(MAX_REQUEST_BYTES + 1);
  }
}

async function passOn(request: Request, address: string): Promise<Response> {
  const body = request.method === "POST" ? await passedBody(request) : null;
  return unpackAnswer(await main.call("answer", packRequest(request, { body, address })));
}

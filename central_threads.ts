/**
 * The threads that listen beside the main one of a directory (`--threads`); `central_service.ts` loads it for them.
 *
 * @module
 */
import type { ThreadDesk } from "./directory/threads/thread_desk.ts";
import type { ThreadHears, ThreadSays, ThreadStart } from "./directory_thread.ts";
import { limitsOfOne } from "./ports/listener_limits.ts";
import type { Log } from "./ports/ports.ts";
import { ThreadCalls } from "./ports/thread_calls.ts";
import { NO_PERMISSIONS } from "./ports/worker_permissions.ts";
import type { CertificateInUse } from "./process/certificate_in_use.ts";
import type { Answer } from "./process/listening.ts";
import { answerPassed } from "./process/passed_requests.ts";

/** It may listen at one address. */
function permissionsFor(
  { hostname, port }: Pick<ThreadStart, "hostname" | "port">,
): Deno.PermissionOptionsObject {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { ...NO_PERMISSIONS, net: [`${host}:${port}`] };
}

export interface ThreadsOptions {
  /** Of the listener that the main thread has already. */
  readonly hostname: string;
  readonly port: number;
  /** How many threads listen, the main one included. */
  readonly threads: number;
  readonly certificate: CertificateInUse | null;
  readonly log: Log;
  readonly desk: ThreadDesk;
  /** Answers what the threads do not answer. */
  readonly answer: Answer;
  /** The program of a thread. */
  readonly program?: URL;
}

interface Running {
  readonly worker: Worker;
  readonly calls: ThreadCalls<ThreadHears>;
}

/** Threads that listen. */
export class ListenerThreads {
  readonly #running: readonly Running[];
  readonly #ended = Promise.withResolvers<never>();
  readonly #connections: number[];

  private constructor(options: ThreadsOptions) {
    const program = options.program ?? new URL("./directory_thread.ts", import.meta.url);
    this.#running = Array.from({ length: options.threads - 1 }, (_, number) => {
      const worker = new Worker(program.href, {
        type: "module",
        name: `openred-listener-${number + 1}`,
        deno: { permissions: permissionsFor(options) },
      });
      const calls = new ThreadCalls<ThreadHears>(worker, handlersOf(options));
      const fail = (message: string) => {
        const error = new Error(message);
        calls.end(error);
        this.#ended.reject(error);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(event.message);
      };
      worker.onmessageerror = () => fail("It sent a broken message");
      return { worker, calls };
    });
    this.#connections = this.#running.map(() => 0);
    // Whoever waits for it hears of it; it is not to be an unhandled rejection besides.
    this.ended.catch(() => {});
  }

  /** Starts them. @throws {Error} Where one of them does not start. */
  static async start(options: ThreadsOptions): Promise<ListenerThreads> {
    const threads = new ListenerThreads(options);
    try {
      await Promise.race([threads.#begin(options), threads.ended]);
      return threads;
    } catch (error) {
      threads.#terminate();
      throw error;
    }
  }

  /** Rejects when one of them has ended by itself. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  /** How many connections they have, as of the last look at their counts. */
  get connections(): number {
    return this.#connections.reduce((all, one) => all + one, 0);
  }

  /** As {@linkcode Listening.shutdown}, and ends the threads. */
  async shutdown(graceMs: number): Promise<void> {
    await Promise.all(this.#running.map(({ calls }) => calls.call("shutdown", graceMs)));
    this.#terminate();
  }

  async #begin({ hostname, port, threads, certificate, desk }: ThreadsOptions): Promise<void> {
    const start = (): ThreadStart => ({
      hostname,
      port,
      limits: limitsOfOne(threads),
      certificate: certificate?.served?.files ?? null,
      directory: desk.setUp,
    });
    certificate?.followedBy((files) => {
      for (const { calls } of this.#running) calls.tell("certificate", files);
    });
    await Promise.all(this.#running.map(({ calls }) => calls.call("begin", start())));
    for (const [number, { calls }] of this.#running.entries()) {
      desk.join({
        adopt: (filter) => calls.tell("adopt", filter),
        counts: async () => {
          const { counted, connections } = await calls.call("counts", undefined);
          this.#connections[number] = connections;
          return counted;
        },
      });
    }
  }

  #terminate(): void {
    for (const { worker } of this.#running) worker.terminate();
  }
}

function handlersOf({ desk, answer, log }: ThreadsOptions): ThreadSays {
  return {
    ...desk.calls,
    answer: (request) => answerPassed(request, answer),
    log: ({ level, event, fields }) => log.log(level, event, fields),
  };
}

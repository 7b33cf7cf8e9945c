/**
 * The listeners of both programs: the port is known at once, answers come when there is something to answer.
 *
 * @module
 */
import type { ListenerLimits } from "../ports/listener_limits.ts";
import type { Log } from "../ports/ports.ts";
import { HttpListener } from "../ports/system_listener.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { problemResponse } from "../protocol/http.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";
import type { CertificateInUse } from "./certificate_in_use.ts";
import { ProxyWatch } from "./proxy_watch.ts";
import { ProcessError, textOf } from "./process_error.ts";

const RETRY_WHILE_STARTING_MS = 1_000;
/** How many ports are looked at for one that is free. */
const MAX_PORTS_TRIED = 20;

/** Answers one request. Ought not to reject; what it rejects with is logged and answered with 500. */
export type Answer = (request: Request, address: string) => Response | Promise<Response>;

export interface ListeningOptions {
  readonly hostname: string;
  /** 0: one of the system's choice. */
  readonly port: number;
  /** The option that names the address, for errors. */
  readonly flag: string;
  /** What says that it is starting. */
  readonly name: "node" | "directory" | "relay";
  /** Where several threads of this process listen there: which one this is. Without it nobody else may. */
  readonly shares?: "first" | "further";
  readonly log: Log;
  readonly limits?: Partial<ListenerLimits>;
  readonly trustedProxies?: TrustedProxies;
  /** By which URL others call, where that is known: a proxy in front that nobody has named is told of. */
  readonly url?: string | null;
  /** With one, connections begin with TLS. */
  readonly certificate?: CertificateInUse | null;
}

export interface Listening extends AsyncDisposable {
  /** `http://HOST:PORT`, `https` with a certificate. */
  readonly origin: string;
  readonly port: number;
  /** Rejects when the system takes no connections any more. */
  readonly finished: Promise<void>;
  /** How many connections are open. */
  readonly connections: number;
  /** Answers 503 until this is called. */
  answerWith(answer: Answer): void;
  /** Takes nothing more, waits at most so long for what is being answered, and closes all connections. */
  shutdown(graceMs: number): Promise<void>;
}

function createListener(options: ListeningOptions, answer: Answer): HttpListener {
  const { name, log, flag, hostname, port, certificate, trustedProxies, url = null } = options;
  const watch = trustedProxies === undefined
    ? null
    : new ProxyWatch({ log, proxies: trustedProxies, url });
  const fail = (error: unknown) => {
    log.log("error", "request_failed", { text: textOf(error) });
    return problemResponse(new OpenRedError("internal", `The ${name} failed`));
  };
  try {
    return new HttpListener({
      ...options,
      ...(certificate ? { secure: (connection) => certificate.secure(connection) } : {}),
      answer: (request, address) => {
        watch?.note(address);
        try {
          const given = answer(request, address);
          return given instanceof Promise ? given.catch(fail) : given;
        } catch (error) {
          return fail(error);
        }
      },
    });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? `another program uses it; ${otherPort(options)}`
      : textOf(cause);
    throw new ProcessError(1, `${flag} ${hostname}:${port}: cannot listen there, ${why}`, {
      cause,
    });
  }
}

/** Proposes one of the next ports that is free now. */
function otherPort({ flag, hostname, port }: ListeningOptions): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  for (let next = port + 1; next <= Math.min(port + MAX_PORTS_TRIED, 65_535); next++) {
    try {
      Deno.listen({ hostname, port: next }).close();
      return `try ${flag} ${host}:${next}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) break;
    }
  }
  return `try ${flag} ${host}:0, which takes a free one`;
}

/** The listener for whoever watches a program, or `null` where nobody asked for one. */
export function listenForWatchers(
  address: { readonly hostname: string; readonly port: number } | null,
  options: Pick<ListeningOptions, "name" | "log">,
): Listening | null {
  return address === null ? null : listen({ ...address, ...options, flag: "--metrics-listen" });
}

/**
 * Listens.
 * @throws {ProcessError} Where the system does not let it.
 */
export function listen(options: ListeningOptions): Listening {
  const starting = new OpenRedError("overloaded", `The ${options.name} is starting`, {
    retryAfterMs: RETRY_WHILE_STARTING_MS,
  });
  let answer: Answer = () => problemResponse(starting);
  const listener = createListener(options, (request, address) => answer(request, address));
  const { hostname, certificate } = options;
  const scheme = certificate ? "https" : "http";
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    origin: `${scheme}://${host}:${listener.port}`,
    port: listener.port,
    finished: listener.finished,
    get connections() {
      return listener.size;
    },
    answerWith: (next) => void (answer = next),
    shutdown: (graceMs) => listener.shutdown(graceMs),
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

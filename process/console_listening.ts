/**
 * The listeners of the console: one port, held on every loopback address, so that no other program of this machine is
 * `localhost` there.
 *
 * @module
 */
import type { Log } from "../ports/ports.ts";
import { type Answer, listen, type Listening } from "./listening.ts";
import { ProcessError } from "./process_error.ts";

/** How often another port is tried where the system chose one that is taken on the other address. */
const TRIES = 8;

export interface ConsoleListening extends AsyncDisposable {
  /** As browsers of this machine see it; `null` where it does not listen. */
  readonly origin: string | null;
  /** Why it does not listen. */
  readonly why: string;
  /** Whether it was to listen, and could not. */
  readonly hasFailed: boolean;
  answerWith(answer: Answer): void;
  shutdown(graceMs: number): Promise<void>;
}

/** Listens where that is possible: the node runs on without a console. @param address `null`: it is off. */
export function listenConsole(
  address: { readonly port: number } | null,
  log: Log,
): ConsoleListening {
  if (address === null) {
    const why = "The console is off; openred-node run --console-listen says where it would be";
    return { ...of([]), why };
  }
  let why = "";
  for (let tries = 0; tries < (address.port === 0 ? TRIES : 1); tries += 1) {
    try {
      return of(holdBoth(address.port, log));
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      why = `The console does not start: ${error.message}`;
    }
  }
  return { ...of([]), why, hasFailed: true };
}

/** @throws {ProcessError} */
function holdBoth(port: number, log: Log): Listening[] {
  const options = { flag: "--console-listen", name: "node", log } as const;
  const first = listen({ ...options, hostname: "127.0.0.1", port });
  try {
    const chosen = Number(new URL(first.origin).port || "80");
    return [first, listen({ ...options, hostname: "::1", port: chosen })];
  } catch (error) {
    if (error instanceof ProcessError && isMissing(error.cause)) return [first];
    void first.shutdown(0);
    throw error;
  }
}

/** Whether the machine has no such address at all. */
function isMissing(cause: unknown): boolean {
  if (cause instanceof Deno.errors.AddrNotAvailable) return true;
  return cause instanceof Error && /EAFNOSUPPORT|address family/i.test(cause.message);
}

function of(listenings: readonly Listening[]): ConsoleListening {
  const [first] = listenings;
  const origin = first === undefined ? null : new URL(first.origin);
  const shutdown = async (graceMs: number) => {
    await Promise.all(listenings.map((listening) => listening.shutdown(graceMs)));
  };
  return {
    origin: origin === null
      ? null
      : `http://localhost${origin.port === "" ? "" : `:${origin.port}`}`,
    why: "",
    hasFailed: false,
    answerWith(answer) {
      for (const listening of listenings) listening.answerWith(answer);
    },
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(0),
  };
}

/**
 * How commands of `openred-central` ask the directory that runs on a data directory.
 *
 * @module
 */
import * as v from "valibot";
import { readAnswer } from "../ports/loopback_answer.ts";
import { type SendLoopback, UnprovenServer } from "../ports/loopback.ts";
import type { Clock, Random } from "../ports/ports.ts";
import { adminFileSchema } from "../protocol/admin_api.ts";
import { ADMIN_NONCE_BYTES, adminChallenge } from "../protocol/admin_proof.ts";
import { hasCode } from "../protocol/errors.ts";
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";
import { parseJson } from "../protocol/schemas.ts";

const ANSWER_TIMEOUT_MS = 20_000;

/** As those of a node's commands. */
const EXIT = { failed: 1, usage: 2, unknown: 3, refused: 4, unanswered: 5, notRunning: 6 } as const;
type ExitCode = typeof EXIT[keyof typeof EXIT];

const problemSchema = v.object({ code: v.string(), detail: v.string() });

export interface AdminParts {
  /** The content of `admin.json`, or `null` if there is none. */
  readonly adminFile: Uint8Array | null;
  readonly send: SendLoopback;
  readonly clock: Pick<Clock, "setTimer">;
  readonly random: Random;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

class AdminFailure extends Error {
  override readonly name = "AdminFailure";
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(exitCode: ExitCode, message: string, options: ErrorOptions & { code?: string } = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = options.code ?? Object.entries(EXIT).find(([, code]) => code === exitCode)![0];
  }
}

function exitCodeOf(status: number): ExitCode {
  if (status === 400) return EXIT.usage;
  if (status === 404) return EXIT.unknown;
  if (status === 503) return EXIT.unanswered;
  return status < 500 ? EXIT.refused : EXIT.failed;
}

interface AdminFile {
  readonly url: string;
  readonly token: string;
}

function readAdminFile(content: Uint8Array | null, data: string): AdminFile {
  const folder = sanitizeLine(data);
  if (content === null) {
    const text = `No directory is running in ${folder}; start it, or say with --data where it is`;
    throw new AdminFailure(EXIT.notRunning, text);
  }
  try {
    return v.parse(adminFileSchema, parseJson(content));
  } catch (cause) {
    if (!(cause instanceof v.ValiError) && !hasCode(cause, "bad_request")) throw cause;
    throw new AdminFailure(EXIT.failed, `The file admin.json in ${folder} is damaged`, { cause });
  }
}

/** Asks one running directory. */
export class AdminClient {
  readonly #parts: AdminParts;
  readonly #file: AdminFile;
  readonly #data: string;

  constructor(parts: AdminParts, data: string) {
    this.#parts = parts;
    this.#file = readAdminFile(parts.adminFile, data);
    this.#data = sanitizeLine(data);
  }

  /**
   * Asks for what is at a path; with a body by POST.
   * @throws {AdminFailure} Whatever is answered instead, or that nothing is.
   */
  async ask(path: string, body?: string): Promise<unknown> {
    const { clock, random, send } = this.#parts;
    const { url, token } = this.#file;
    const stop = new AbortController();
    const cancel = clock.setTimer(ANSWER_TIMEOUT_MS, () => stop.abort());
    try {
      const answer = await send({
        method: body === undefined ? "GET" : "POST",
        url: `${url}${path}`,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        // A directory that was killed leaves its file, and its port to whoever takes it.
        challenge: adminChallenge(token, random.bytes(ADMIN_NONCE_BYTES)),
        signal: stop.signal,
        ...(body === undefined ? {} : { body }),
      });
      const content = await readAnswer(answer);
      if (answer.status === 200) return content;
      const problem = v.safeParse(problemSchema, content);
      const { code, detail } = problem.success ? problem.output : { code: "internal", detail: "" };
      const said = sanitizeLine(`${detail || `Status ${answer.status}`} (${code})`);
      throw new AdminFailure(exitCodeOf(answer.status), said, { code });
    } catch (cause) {
      if (cause instanceof AdminFailure) throw cause;
      if (stop.signal.aborted) {
        throw new AdminFailure(EXIT.unanswered, "The directory did not answer in time", { cause });
      }
      const text = cause instanceof UnprovenServer
        ? `The file admin.json in ${this.#data} is of a former run, and another program has its port`
        : `No directory is running in ${this.#data}`;
      throw new AdminFailure(EXIT.notRunning, text, { cause });
    } finally {
      cancel();
    }
  }
}

/** Whoever is told what a command does. */
export interface CommandWish {
  readonly dataDirectory: string;
  readonly json: boolean;
}

/** Does what a command is for, and says what went wrong. @returns The exit code. */
export async function runAdminCommand(
  { dataDirectory, json }: CommandWish,
  parts: AdminParts,
  run: (client: AdminClient) => Promise<void>,
): Promise<number> {
  try {
    await run(new AdminClient(parts, dataDirectory));
    return 0;
  } catch (error) {
    if (!(error instanceof AdminFailure)) throw error;
    const { code, message } = error;
    parts.err(json ? `${safeJson({ code, message })}\n` : `error: ${message}\n`);
    return error.exitCode;
  }
}

/** By this machine's clock and zone. */
export function localTime(ms: number): string {
  return new Date(ms).toLocaleString("sv-SE");
}

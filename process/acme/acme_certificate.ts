/**
 * A certificate that the program gets by itself from an ACME authority, and renews.
 *
 * @module
 */
import type { Clock, Files, HttpClient, Log } from "../../ports/ports.ts";
import { ACME_CERTIFICATE_FILE } from "../../ports/data_names.ts";
import { sleep } from "../../ports/sleep.ts";
import { readCertificate, type ServerCertificate } from "../../ports/system_tls.ts";
import type { AcmeSettings } from "../../protocol/acme_settings.ts";
import { CertificateInUse } from "../certificate_in_use.ts";
import { listen, type ListeningOptions } from "../listening.ts";
import { splitPem } from "../pem_files.ts";
import { ProcessError, textOf } from "../process_error.ts";
import { AcmeConnection, AcmeError } from "./acme_connection.ts";
import { keepCertificate, openAccount } from "./acme_files.ts";
import { makeCertificateRequest } from "./certificate_request.ts";
import { CertificateOrder } from "./order.ts";

/** How often it is looked whether a renewal is due: timers stand still while a machine sleeps. */
const LOOK_EVERY_MS = 3_600_000;
/** Authorities limit failures to a few an hour. */
const FIRST_PAUSE_MS = 5 * 60_000;
const LAST_PAUSE_MS = 6 * 3_600_000;
/** By a clock that is ahead every certificate would be due at once. */
const AFTER_RENEWAL_MS = 24 * 3_600_000;
const ORDER_TIMEOUT_MS = 4 * 60_000;
const CHALLENGE_PATH = "/.well-known/acme-challenge/";

export interface AcmeParts {
  readonly clock: Clock;
  readonly files: Files;
  readonly http: HttpClient;
  readonly log: Log;
  /** Who listens, for errors. */
  readonly program: ListeningOptions["name"];
}

/** When a certificate is to be renewed: at two thirds of its life. */
export function renewalAtMs(
  { beginMs, endMs }: Pick<ServerCertificate, "beginMs" | "endMs">,
): number {
  return beginMs + (endMs - beginMs) * 2 / 3;
}

/** A certificate in use, which stays in use for as long as there is no newer one. */
export class AcmeCertificate extends CertificateInUse {
  readonly #parts: AcmeParts;
  readonly #settings: AcmeSettings;
  readonly #stop = new AbortController();
  #pauseMs = FIRST_PAUSE_MS;

  private constructor(parts: AcmeParts, settings: AcmeSettings) {
    super(null);
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Opens the certificate of an earlier run, or waits for the first one, however long that takes.
   * @param signal Ends the waiting.
   * @throws {ProcessError} Where challenges cannot be answered here, or a file is damaged.
   * @throws {unknown} The reason of `signal`.
   */
  static async open(
    parts: AcmeParts,
    settings: AcmeSettings,
    signal: AbortSignal,
  ): Promise<AcmeCertificate> {
    const opened = new AcmeCertificate(parts, settings);
    await opened.#readKept();
    const end = () => opened.#stop.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    try {
      while (opened.served === null) {
        const pauseMs = await opened.#renew({ isFirst: true });
        if (opened.served === null) await sleep(parts.clock, pauseMs, opened.#stop.signal);
      }
    } finally {
      signal.removeEventListener("abort", end);
    }
    opened.#watch().catch((error) => {
      if (!opened.#stop.signal.aborted) throw error;
    });
    return opened;
  }

  override [Symbol.dispose](): void {
    this.#stop.abort(new DOMException("The program ends", "AbortError"));
  }

  /** One that is damaged, has ended or is for another name is as good as none. */
  async #readKept(): Promise<void> {
    const content = await this.#parts.files.read(ACME_CERTIFICATE_FILE);
    if (content === null) return;
    try {
      this.#take(splitPem(new TextDecoder().decode(content)), "kept");
    } catch (error) {
      const text = `The certificate of before is not used: ${textOf(error)}`;
      this.#parts.log.log("warn", "certificate_refused", { text });
    }
  }

  /** @throws {Error} For a certificate that cannot be served. */
  #take(files: { readonly chain: string; readonly key: string }, whence: "kept" | "new"): void {
    const { name } = this.#settings;
    const { clock, log } = this.#parts;
    const read = readCertificate({ certificate: files.chain, key: files.key });
    if (read.names?.includes(name) === false) throw new Error(`it is not for ${name}`);
    if (read.endMs <= clock.nowMs()) throw new Error("it has ended");
    this.serve(read);
    const until = new Date(read.endMs).toISOString();
    log.log("info", "certificate_loaded", { until, renewed: whence === "new" });
  }

  async #watch(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    for (;;) {
      const leftMs = renewalAtMs(this.served!) - clock.nowMs();
      const pauseMs = leftMs > 0
        ? Math.min(leftMs, LOOK_EVERY_MS)
        : await this.#renew({ isFirst: false });
      await sleep(clock, pauseMs, signal);
    }
  }

  /** @returns How long to wait before the next try. */
  async #renew({ isFirst }: { readonly isFirst: boolean }): Promise<number> {
    const { clock, log } = this.#parts;
    try {
      await this.#order();
      this.#pauseMs = FIRST_PAUSE_MS;
      return AFTER_RENEWAL_MS;
    } catch (error) {
      if (this.#stop.signal.aborted) throw error;
      if (isFirst && error instanceof ProcessError) throw error;
      // A full disk, too, ends nothing: the certificate that is there serves on.
      const text = textOf(error);
      const retryAfterMs = error instanceof AcmeError ? error.retryAfterMs : null;
      const pauseMs = Math.max(this.#pauseMs, retryAfterMs ?? 0);
      this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS);
      const nextTry = new Date(clock.nowMs() + pauseMs).toISOString();
      const fields = { text, next_try: nextTry };
      if (isFirst) log.log("error", "certificate_failed", fields);
      else log.log("warn", "certificate_failed", fields);
      return pauseMs;
    }
  }

  async #order(): Promise<void> {
    const { clock, files, http } = this.#parts;
    const { directoryUrl, name } = this.#settings;
    const account = await openAccount(files, directoryUrl);
    const timeout = new AbortController();
    const cancel = clock.setTimer(
      ORDER_TIMEOUT_MS,
      () => timeout.abort(new AcmeError("The authority did not finish in time")),
    );
    const answers = new Map<string, string>();
    try {
      const signal = AbortSignal.any([this.#stop.signal, timeout.signal]);
      const connection = new AcmeConnection({ clock, http }, account, signal);
      await using _answering = this.#answerChallenges(answers);
      await connection.open(directoryUrl);
      const { key, request } = await makeCertificateRequest([name]);
      const chain = await new CertificateOrder(connection, answers).run([name], request);
      const made = splitPem(`${chain}\n${key}`);
      this.#takeNew(made);
      await keepCertificate(files, made);
    } catch (error) {
      throw timeout.signal.aborted ? timeout.signal.reason : error;
    } finally {
      cancel();
    }
  }

  #takeNew(made: { readonly chain: string; readonly key: string }): void {
    try {
      this.#take(made, "new");
    } catch (cause) {
      throw new AcmeError(`The authority's certificate cannot be served: ${textOf(cause)}`, {
        cause,
      });
    }
  }

  /** Nothing listens there but while a challenge may come. */
  #answerChallenges(answers: ReadonlyMap<string, string>): AsyncDisposable {
    const { log, program } = this.#parts;
    const { hostname, port } = this.#settings.listen;
    const listening = listen({ hostname, port, flag: "--acme-listen", name: program, log });
    listening.answerWith((request) => {
      const { pathname } = new URL(request.url);
      const token = pathname.startsWith(CHALLENGE_PATH)
        ? pathname.slice(CHALLENGE_PATH.length)
        : "";
      const answer = request.method === "GET" ? answers.get(token) : undefined;
      if (answer === undefined) return new Response(null, { status: 404 });
      return new Response(answer, { headers: { "content-type": "application/octet-stream" } });
    });
    return { [Symbol.asyncDispose]: () => listening.shutdown(0) };
  }
}

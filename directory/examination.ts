/**
 * What `openred-central doctor` finds at the address of a directory.
 *
 * @module
 */
import type { Clock, HttpAnswer, HttpClient } from "../ports/ports.ts";
import { HEALTH_PATH } from "../protocol/directory_api.ts";
import { type Check, checkClock, good, unknown, wrong } from "../protocol/doctor.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { parseJson } from "../protocol/schemas.ts";
import { unreachableReason } from "../protocol/unreachable.ts";
import { checkUrlText } from "../protocol/url_policy.ts";
import * as v from "valibot";
import { healthAnswerSchema } from "./routes.ts";

const CALL_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface ExaminationParts {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly http: HttpClient;
}

export interface ExaminationOptions {
  /** Where nodes call it. */
  readonly url: string;
  readonly allowPrivate: boolean;
  /** A server whose clock is believed; `null` for none. */
  readonly clockUrl: string | null;
}

/** What helps where nobody answers. */
const MENDS: Readonly<Record<string, string>> = {
  name_unknown: "Check the name in --url, and the name servers of this machine",
  port_closed: "Start the directory, or have the proxy lead to --listen",
  no_route: "Check the network of this machine",
  certificate_issuer:
    "Give the certificate of a private authority with --ca, here and to every node",
  certificate_ended: "Renew the certificate, unless this machine's clock is wrong",
  certificate_early: "Set the right time",
  certificate_name: "Have the certificate made for the name in --url",
  no_tls: "Have TLS at that port, with a proxy or --tls-cert",
  tls_failed: "Look at the TLS of the proxy, or at --tls-cert",
  too_slow: "Check the proxy and firewalls in between",
  redirects: "Name in --url the URL that it leads to",
};

/** Looks at all of it. Never rejects. */
export async function examineDirectory(
  parts: ExaminationParts,
  { url, allowPrivate, clockUrl }: ExaminationOptions,
): Promise<Check[]> {
  const clock = clockUrl === null ? noClock() : compareClock(parts, clockUrl);
  return [await checkUrl(parts, url), checkPrivate(url, allowPrivate), await clock];
}

function ask({ http }: ExaminationParts, url: string): Promise<HttpAnswer> {
  const limits = { timeoutMs: CALL_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  return http.request({ method: "GET", url, ...limits });
}

async function checkUrl(parts: ExaminationParts, url: string): Promise<Check> {
  const failed = (why: string) =>
    wrong("address", {
      found: `No directory answers at ${url}: ${why}`,
      means: "Nodes cannot register, and find nobody",
      mend: MENDS[why] ?? "Check --url, and what is between it and --listen",
    });
  try {
    const answer = await ask(parts, url + HEALTH_PATH);
    if (answer.status !== 200) return failed(`status ${answer.status}`);
    const health = v.safeParse(healthAnswerSchema, parseJson(answer.body));
    if (!health.success) return failed("other_answer");
    const { directory_id, nodes } = health.output;
    return good("address", `${directory_id} answers at ${url} and holds ${nodes} nodes`);
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    return failed(unreachableReason(error) ?? "other_answer");
  }
}

function checkPrivate(url: string, allowPrivate: boolean): Check {
  try {
    checkUrlText(url, { allowPrivate: false });
    return good("private", "The URL is a public one");
  } catch {
    if (allowPrivate) return good("private", "The URL is private, and so may those of nodes be");
    return wrong("private", {
      found: `${url} is private or not https, and nodes that announce such addresses are refused`,
      means: "Nodes elsewhere do not call it, and nodes on this network cannot register",
      mend:
        "Name a public https URL with --url; on a LAN give --allow-private here and to every node",
    });
  }
}

function noClock(): Promise<Check> {
  return Promise.resolve(unknown("clock", {
    found: "There is nothing to compare this machine's clock with",
    mend: "Name with --clock-url a server whose clock is right, such as another directory",
  }));
}

async function compareClock(parts: ExaminationParts, url: string): Promise<Check> {
  const { clock } = parts;
  const askedMs = clock.monotonicMs();
  const answer = await ask(parts, url).catch((error: unknown) => {
    if (error instanceof OpenRedError) return null;
    throw error;
  });
  const theirMs = Date.parse(answer?.headers.get("date") ?? "");
  if (Number.isNaN(theirMs)) {
    const found = `${url} does not say what time it is`;
    return unknown("clock", { found, mend: "Name another server with --clock-url" });
  }
  const halfMs = (clock.monotonicMs() - askedMs) / 2;
  return checkClock(clock.nowMs() - halfMs - theirMs, url);
}

/**
 * The sessions of browsers. They live in memory: none outlives the node's run.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { BrowserSessionView, Role } from "../../protocol/sign_in_api.ts";
import type { Browser, ModuleContext } from "../api.ts";
import { hashSecret, isSame, makeSecret, type SecretParts } from "./secrets.ts";

/** Without a request for so long a session ends. */
const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
/** How long a factor counts for what asks for a recent one. */
const RECENT_MS = 5 * 60_000;
/** How long the terminal's link does where none is enrolled: for a guide that somebody reads in peace. */
const LINK_MS = 20 * 60_000;
/** How long a factor that was shown for one request waits for it. */
const TICKET_MS = 2 * 60_000;
const MAX_SESSIONS = 32;
const MAX_TICKETS = 8;
const ID_BYTES = 9;

/** A factor, shown for one request. */
interface Ticket {
  readonly action: string;
  readonly bodyHash: string;
  readonly endMs: number;
}

/** How a session was begun or strengthened: a factor's id, or the terminal's link. */
export type Means = { readonly factor: string } | "link";

export interface BrowserSession {
  readonly id: string;
  readonly role: Role;
  /** The factors that it owes something to; it ends with any of them. */
  readonly factors: Set<string>;
  readonly device: string;
  readonly agent: string;
  readonly startedAtMs: number;
  readonly endMs: number;
  readonly over: AbortController;
  cancelTimer: () => void;
  seenAtMs: number;
  idleMs: number;
  /** Until when a factor counts as recent, by the monotonic clock. */
  recentMs: number;
  /** Until when the terminal's link counts as every factor that nobody has enrolled; 0: none. */
  linkMs: number;
  tickets: readonly Ticket[];
  /** An app that has shown no code yet. */
  pendingTotp: { readonly secret: string; readonly name: string } | null;
  cookieHash: string;
  secretHash: string;
}

/** What the browser is given. */
export interface Secrets {
  readonly cookie: string;
  readonly secret: string;
}

type Parts = SecretParts & Pick<ModuleContext, "clock">;

/** All that are open. */
export class BrowserSessions {
  readonly #parts: Parts;
  /** The one that began first stands first. */
  readonly #sessions = new Map<string, BrowserSession>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins a session; beyond 32 the one idle for longest ends. */
  async begin(
    { role, means, device, agent }: {
      readonly role: Role;
      readonly means: Means;
      readonly device: string;
      readonly agent: string;
    },
  ): Promise<{ readonly session: BrowserSession; readonly secrets: Secrets }> {
    const { clock, random } = this.#parts;
    const { secrets, ...hashes } = await this.#fresh();
    const nowMs = clock.monotonicMs();
    const session: BrowserSession = {
      ...hashes,
      id: encodeBase64Url(random.bytes(ID_BYTES)),
      role,
      device,
      agent,
      factors: new Set(means === "link" ? [] : [means.factor]),
      startedAtMs: clock.nowMs(),
      seenAtMs: clock.nowMs(),
      endMs: nowMs + LONGEST_MS,
      idleMs: nowMs + IDLE_MS,
      recentMs: nowMs + RECENT_MS,
      linkMs: means === "link" ? nowMs + LINK_MS : 0,
      tickets: [],
      pendingTotp: null,
      over: new AbortController(),
      cancelTimer: () => {},
    };
    this.#makeRoom();
    this.#sessions.set(session.id, session);
    this.#watch(session);
    return { session, secrets };
  }

  /** Whose both secrets these are; using it keeps a session open. */
  async find(
    { cookies, secret }: Pick<Browser, "cookies" | "secret">,
  ): Promise<BrowserSession | null> {
    if (secret === null) return null;
    const secretHash = await hashSecret(this.#parts, secret);
    for (const cookie of cookies) {
      const shown = await hashSecret(this.#parts, cookie) + secretHash;
      const found = this.#open().find(({ cookieHash, secretHash }) =>
        isSame(cookieHash + secretHash, shown)
      );
      if (found === undefined) continue;
      found.idleMs = this.#parts.clock.monotonicMs() + IDLE_MS;
      found.seenAtMs = this.#parts.clock.nowMs();
      return found;
    }
    return null;
  }

  /** Gives a session new secrets; the former ones open nothing any more. */
  async renew(session: BrowserSession): Promise<Secrets> {
    const { secrets, ...hashes } = await this.#fresh();
    Object.assign(session, hashes);
    return secrets;
  }

  /** A factor was shown: recent from now on, and for one request if it was shown for that. */
  strengthen(
    session: BrowserSession,
    { factor, ticket }: {
      readonly factor: string;
      readonly ticket: { readonly action: string; readonly bodyHash: string } | null;
    },
  ): void {
    const nowMs = this.#parts.clock.monotonicMs();
    session.recentMs = nowMs + RECENT_MS;
    session.linkMs = 0;
    session.factors.add(factor);
    if (ticket === null) return;
    const open = session.tickets.filter(({ endMs }) => endMs > nowMs);
    session.tickets = [...open, { ...ticket, endMs: nowMs + TICKET_MS }].slice(-MAX_TICKETS);
  }

  isRecent({ recentMs }: BrowserSession): boolean {
    return this.#parts.clock.monotonicMs() < recentMs;
  }

  /** Whether the terminal's link still stands for a factor. */
  isByLink({ linkMs }: BrowserSession): boolean {
    return this.#parts.clock.monotonicMs() < linkMs;
  }

  /** Uses up the factor that was shown for a request. @returns Whether there was one. */
  spend(session: BrowserSession, what: { action: string; bodyHash: string }): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const found = session.tickets.find(({ action, bodyHash, endMs }) =>
      endMs > nowMs && action === what.action && isSame(bodyHash, what.bodyHash)
    );
    session.tickets = session.tickets.filter((ticket) => ticket !== found);
    return found !== undefined;
  }

  /** Ends those that `which` names; their streams close at once. @returns How many. */
  end(which: (session: BrowserSession) => boolean): number {
    const ending = [...this.#sessions.values()].filter(which);
    for (const session of ending) {
      this.#sessions.delete(session.id);
      session.cancelTimer();
      session.over.abort();
    }
    return ending.length;
  }

  views(current: BrowserSession | null): BrowserSessionView[] {
    return this.#open().map((session) => ({
      id: session.id,
      role: session.role,
      started_at: session.startedAtMs,
      seen_at: session.seenAtMs,
      agent: session.agent,
      current: session === current,
    }));
  }

  /** When it ends without another request, and at the latest; and until when a factor counts. By the wall clock. */
  instants({ idleMs, endMs, recentMs }: BrowserSession) {
    const { clock } = this.#parts;
    const shift = clock.nowMs() - clock.monotonicMs();
    return {
      idle_until: Math.round(Math.min(idleMs, endMs) + shift),
      ends_at: Math.round(endMs + shift),
      stepped_up_until: recentMs > clock.monotonicMs() ? Math.round(recentMs + shift) : null,
    };
  }

  #open(): BrowserSession[] {
    const nowMs = this.#parts.clock.monotonicMs();
    return [...this.#sessions.values()].filter(({ idleMs, endMs }) =>
      nowMs < idleMs && nowMs < endMs
    );
  }

  #makeRoom(): void {
    if (this.#sessions.size < MAX_SESSIONS) return;
    const [idlest] = [...this.#sessions.values()].sort((a, b) => a.idleMs - b.idleMs);
    this.end((session) => session === idlest);
  }

  /** Ends it when its time is over, so that its streams end as well. */
  #watch(session: BrowserSession): void {
    const { clock } = this.#parts;
    const leftMs = Math.min(session.idleMs, session.endMs) - clock.monotonicMs();
    if (leftMs <= 0) return void this.end((other) => other === session);
    session.cancelTimer = clock.setTimer(leftMs, () => this.#watch(session));
  }

  async #fresh() {
    const secrets = { cookie: makeSecret(this.#parts), secret: makeSecret(this.#parts) };
    const cookieHash = await hashSecret(this.#parts, secrets.cookie);
    const secretHash = await hashSecret(this.#parts, secrets.secret);
    return { secrets, cookieHash, secretHash };
  }
}

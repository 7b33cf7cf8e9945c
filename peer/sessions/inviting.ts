/**
 * `core.invitation` and `core.invited`: in a session two nodes show each other that they hold the secret of one
 * invitation, which itself is never sent (docs/PROTOCOL.md, "Invitations").
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type * as v from "valibot";
import type { Clock, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  type invitationHeaderSchema,
  type InvitationRefusal,
  type InvitationScene,
  type invitedHeaderSchema,
  isInvitationMac,
  makeInvitationMac,
  readRefusal,
} from "../../protocol/invitation.ts";
import type { NodeEvents } from "../events/events.ts";
import type { HeldInvitations } from "../peers/held_invitations.ts";
import type { Invitations } from "../peers/invitations.ts";
import { Backoff } from "../timing/backoff.ts";
import type { Background } from "../timing/background.ts";
import type { Carrier } from "./carrier.ts";
import type { PeerLinks } from "./links.ts";
import type { Session, SessionTable } from "./session.ts";
import { Waiters, type WaitOptions } from "./waiters.ts";

const FIRST_REPEAT_MS = 1_000;
const LAST_REPEAT_MS = 60_000;
/** How often one is shown in a session: a node that knows no invitations never answers. */
const MAX_SHOWN = 10;

const REASONS: Readonly<Record<InvitationRefusal, string>> = {
  invitation_unknown: "The peer knows no such invitation; ask for another one",
  invitation_used: "This invitation is used up; ask for another one",
  invitation_expired: "This invitation has expired; ask for another one",
  invitation_revoked: "This invitation was taken back; ask for another one",
};

export interface InvitingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: NodeEvents;
  readonly background: Background;
  readonly table: SessionTable;
  readonly carrier: Pick<Carrier, "send">;
  readonly invitations: Invitations;
  readonly held: HeldInvitations;
  readonly links: Pick<PeerLinks, "want">;
  readonly own: { readonly id: NodeId };
}

/** Both ends of the exchange. */
export class Inviting {
  readonly #parts: InvitingParts;
  readonly #waiters: Waiters;
  /** What was shown last to a peer: its answer names the same session. */
  readonly #shown = new Map<NodeId, { readonly session: Session; cancel: () => void }>();
  readonly #refused = new Map<NodeId, InvitationRefusal>();
  #stopped = false;

  constructor(parts: InvitingParts) {
    this.#parts = parts;
    this.#waiters = new Waiters(parts.clock);
  }

  /** Looks for everybody who is still to answer. */
  start(): void {
    for (const peer of this.#parts.held.peers()) this.#parts.links.want(peer, { patient: true });
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#shown.values()) cancel();
    this.#shown.clear();
  }

  /** Keeps the secret of an invitation until the peer has answered, and shows it if there is a session. */
  async hold(peer: NodeId, secret: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#refused.delete(peer);
    await this.#parts.held.hold(peer, secret);
    this.show(peer);
  }

  /** Shows the invitation that is held of a peer, now and, with growing pauses, until there is an answer. */
  show(peer: NodeId): void {
    const session = this.#parts.table.current(peer);
    if (session === null || !this.#parts.held.has(peer)) return;
    this.#shown.get(peer)?.cancel();
    const shown = { session, cancel: () => {} };
    this.#shown.set(peer, shown);
    const { random, clock, background } = this.#parts;
    const backoff = new Backoff(random, { firstMs: FIRST_REPEAT_MS, lastMs: LAST_REPEAT_MS });
    let times = 0;
    const again = async (): Promise<void> => {
      const isWanted = this.#shown.get(peer) === shown && session.sends && times < MAX_SHOWN;
      if (this.#stopped || !isWanted) return;
      await this.#showOnce(session, { post: times > 0 });
      times += 1;
      if (this.#stopped || this.#shown.get(peer) !== shown) return;
      shown.cancel = clock.setTimer(
        backoff.next(),
        () => background.run("invitation", again(), peer),
      );
    };
    background.run("invitation", again(), peer);
  }

  async #showOnce(session: Session, { post }: { post: boolean }): Promise<void> {
    const held = await this.#parts.held.of(session.peer);
    if (held === null) return;
    const mac = await makeInvitationMac(held.secret, this.#scene(session, "invitee", "invitee"));
    const header = { type: "core.invitation", invitation: held.id, mac: encodeBase64Url(mac) };
    await this.#send(session, header, { post });
  }

  /**
   * Takes an invitation that a peer shows.
   * @throws {OpenRedError} `overloaded` if it could not be noted; the peer shows it again.
   */
  async take(
    session: Session,
    header: v.InferOutput<typeof invitationHeaderSchema>,
  ): Promise<void> {
    const { invitations } = this.#parts;
    const { invitation: id, mac } = header;
    const secret = await invitations.secretOf(id);
    const scene = this.#scene(session, "inviter", "invitee");
    if (secret === null || !await isInvitationMac(secret, { ...scene, mac })) {
      return await this.#answer(session, id, { error: "invitation_unknown" });
    }
    const use = await invitations.use(id, session.peer);
    if (use.kind === "blocked") return;
    if (use.kind === "refused") {
      this.#tellTried(session.peer, id, use.code);
      return await this.#answer(session, id, { error: use.code });
    }
    if (use.kind === "accepted") this.#tellUsed(session.peer, id, use.name);
    const own = await makeInvitationMac(secret, this.#scene(session, "inviter", "inviter"));
    await this.#answer(session, id, { mac: encodeBase64Url(own) });
  }

  #tellUsed(peer: NodeId, invitation: string, name: string | null): void {
    const { events } = this.#parts;
    events.audit("invitation_used", { peer, success: true, invitation });
    events.emit({ type: "invitation_used", invitation, peer, name });
  }

  #tellTried(peer: NodeId, invitation: string, code: InvitationRefusal): void {
    const { events } = this.#parts;
    events.auditPeer("invitation_used", { peer, success: false, invitation, why: code });
    events.emit({ type: "invitation_tried", invitation, peer, code });
  }

  async #answer(
    session: Session,
    invitation: string,
    answer: { readonly mac: string } | { readonly error: InvitationRefusal },
  ): Promise<void> {
    await this.#send(session, { type: "core.invited", invitation, ...answer }, { post: false });
  }

  /** Takes what a peer says of an invitation that was shown to it. What does not prove the secret is no answer. */
  async takeAnswer(
    peer: NodeId,
    header: v.InferOutput<typeof invitedHeaderSchema>,
  ): Promise<void> {
    const { held, events } = this.#parts;
    const { invitation: id, mac, error } = header;
    const shown = this.#shown.get(peer);
    const kept = await held.of(peer);
    if (shown === undefined || kept?.id !== id) return;
    if (mac === undefined) return await this.#takeRefusal(peer, id, readRefusal(error));
    const scene = this.#scene(shown.session, "invitee", "inviter");
    if (!await isInvitationMac(kept.secret, { ...scene, mac })) {
      throw new OpenRedError("bad_request", "The peer does not hold the invitation's secret");
    }
    if (!await held.end(peer, { id, accept: true })) return;
    this.#ended(peer);
    events.emit({ type: "invitation_accepted", peer });
  }

  async #takeRefusal(peer: NodeId, id: string, code: InvitationRefusal): Promise<void> {
    const { held, events } = this.#parts;
    if (!await held.end(peer, { id, accept: false })) return;
    this.#refused.set(peer, code);
    this.#ended(peer);
    events.emit({ type: "invitation_refused", peer, code });
    events.note("invitation_refused", `${peer}: ${REASONS[code]}`);
  }

  #ended(peer: NodeId): void {
    this.#shown.get(peer)?.cancel();
    this.#shown.delete(peer);
    this.#waiters.wake(peer);
  }

  /**
   * Waits until a peer has answered what is held of it.
   * @returns Whether it has let this node in; `false` when the time is over or `signal` fired.
   * @throws {OpenRedError} Why it has not.
   */
  async wait(peer: NodeId, { waitMs, signal }: WaitOptions): Promise<boolean> {
    const { clock, held } = this.#parts;
    const endMs = clock.monotonicMs() + waitMs;
    for (;;) {
      const code = this.#refused.get(peer);
      if (code !== undefined) throw new OpenRedError(code, REASONS[code]);
      if (!held.has(peer)) return true;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0 || signal.aborted) return false;
      await this.#waiters.wait(peer, { waitMs: leftMs, signal });
    }
  }

  /** @param side What this node is in it. @param role Who shows the secret. */
  #scene(
    { peer, binding }: Session,
    side: InvitationScene["role"],
    role: InvitationScene["role"],
  ): InvitationScene {
    const own = this.#parts.own.id;
    const [inviter, invitee] = side === "inviter" ? [own, peer] : [peer, own];
    return { role, inviter, invitee, binding };
  }

  async #send(
    session: Session,
    header: Record<string, unknown>,
    options: { readonly post: boolean },
  ): Promise<void> {
    const frame = await session.sealUnlessGone(header);
    if (frame === null) return;
    this.#parts.events.count("frames_sent");
    this.#parts.carrier.send(session.peer, frame, options);
  }
}

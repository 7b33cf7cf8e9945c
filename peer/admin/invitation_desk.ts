/**
 * What the node's owner does about invitations.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type {
  InvitationsView,
  InvitationView,
  NewInvitationView,
} from "../../protocol/invitation_api.ts";
import { formatContactLink, isContactLink } from "../../protocol/contact_link.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import { foldPetname } from "../../protocol/peer_name.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Invitation, Invitations } from "../peers/invitations.ts";
import { readPetname, readRef } from "../peers/peer_refs.ts";
import type { Petnames } from "../peers/petnames.ts";

/** The beginning of an id, long enough to be told from a name. */
const PREFIX = /^[A-Za-z0-9_-]{4,11}$/;
/** Where a directory shows the page about the link that stands behind its `#`. */
const LINK_PAGE = "/i/#";

export interface InvitationDeskParts {
  readonly invitations: Invitations;
  readonly petnames: Petnames;
  readonly directories: Pick<Directories, "urls">;
  readonly events: NodeEvents;
  readonly own: { readonly id: NodeId };
  readonly ownRecord: Pick<OwnRecord, "apiUrl">;
}

/** Makes, lists and revokes invitations. */
export class InvitationDesk {
  readonly #parts: InvitationDeskParts;

  constructor(parts: InvitationDeskParts) {
    this.#parts = parts;
  }

  /**
   * Makes an invitation and its link, which is shown this once.
   * @throws {OpenRedError} `bad_request` for a name of no such form, one that is taken, or one that several would get.
   */
  async make(
    input: { readonly uses: number; readonly expires_ms: number; readonly name: string | null },
  ): Promise<NewInvitationView> {
    const { uses, expires_ms: lifeMs } = input;
    const name = input.name === null ? null : readPetname(input.name);
    if (name !== null && uses > 1) {
      throw new OpenRedError("bad_request", "A name goes with an invitation for one only");
    }
    const { invitations, directories, events, own, ownRecord } = this.#parts;
    const { invitation, secret } = await invitations.make({ uses, lifeMs, name });
    events.audit("invitation_made", { success: true, invitation: invitation.id, uses });
    const directoryUrl = directories.urls[0] ?? null;
    const link = formatContactLink({
      nodeId: own.id,
      apiUrl: directoryUrl === null ? ownRecord.apiUrl : null,
      directoryUrl,
      invitation: secret,
    });
    const page = directoryUrl === null ? null : directoryUrl + LINK_PAGE + link;
    return { ...this.#view(invitation), link, page };
  }

  list(): InvitationsView {
    return {
      invitations: this.#parts.invitations.list().map((invitation) => this.#view(invitation)),
    };
  }

  /**
   * Takes an invitation back. Whom it let in stays in.
   * @param word Its id, the beginning of that, the name that it gives, or the link itself.
   * @throws {OpenRedError} `not_found`, `bad_request` for a word that means several.
   */
  async revoke(word: string): Promise<InvitationView> {
    const id = await this.#idOf(word);
    const invitation = await this.#parts.invitations.revoke(id);
    this.#parts.events.audit("invitation_revoked", { success: true, invitation: id });
    return this.#view(invitation);
  }

  #view(invitation: Invitation): InvitationView {
    const { id, name, state, uses, usedBy, madeAt, expiresAt } = invitation;
    const { petnames } = this.#parts;
    return {
      invitation: id,
      name,
      state,
      uses,
      used_by: usedBy.map(({ peer, usedAt }) => ({
        peer,
        petname: peer === null ? null : petnames.of(peer),
        used_at: usedAt,
      })),
      made_at: madeAt,
      expires_at: expiresAt,
    };
  }

  async #idOf(word: string): Promise<string> {
    const secret = isContactLink(word) ? secretIn(word) : null;
    if (secret !== null) return await secretId(secret);
    const all = this.#parts.invitations.list();
    const byId = PREFIX.test(word) ? all.filter(({ id }) => id.startsWith(word)) : [];
    const isNamed = ({ name }: Invitation) =>
      name !== null && foldPetname(name) === foldPetname(word);
    const byName = all.filter((invitation) => isNamed(invitation) && invitation.state === "open");
    const [found, ...more] = byId.length > 0 ? byId : byName;
    if (found === undefined) throw new OpenRedError("not_found", "There is no such invitation");
    if (more.length > 0) {
      throw new OpenRedError(
        "bad_request",
        "Several invitations begin like this; write the whole id",
      );
    }
    return found.id;
  }
}

function secretIn(word: string): Uint8Array<ArrayBuffer> | null {
  const ref = readRef(word);
  return ref.kind === "link" ? ref.link.invitation : null;
}

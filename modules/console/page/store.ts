/**
 * What the console knows of the node, asked again whenever the node tells that something of it has changed.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type { IdView, PeersView, RequestsView, StatusView } from "../../../protocol/admin_api.ts";
import type { ChallengesView } from "../../../protocol/auth_challenge.ts";
import type { LinksView } from "../../../protocol/file_links.ts";
import type {
  OffersView,
  OfferView,
  SharesView,
  TransfersView,
} from "../../../protocol/file_sharing_api.ts";
import type { GroupsView } from "../../../protocol/groups_api.ts";
import type { InvitationsView, InvitationView } from "../../../protocol/invitation_api.ts";
import type { ConversationsView } from "../../../protocol/messaging_api.ts";
import type { ModulesView } from "../../../protocol/module_api.ts";
import type { PassphraseView, SettingsView } from "../../../protocol/settings_api.ts";
import type { BrowserSessionView, FactorView } from "../../../protocol/sign_in_api.ts";
import type { TokensView } from "../../../protocol/token_api.ts";
import { ApiError, get, signedIn } from "./api.ts";
import { hearEvents, type LiveEvent } from "./live.ts";

const GATHER_MS = 120;
const STATUS_EVERY_MS = 15_000;

/** All that there are, of whatever page. */
const resources: Resource<unknown>[] = [];

/** One answer of the node that is kept up to date while a page shows it. */
export class Resource<T> {
  readonly value: Signal<T | null> = signal(null);
  readonly error: Signal<ApiError | null> = signal(null);
  readonly #path: string;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isAsking = false;
  #isStale = false;
  /** Whether any page has asked for it. */
  #isWanted = false;

  constructor(path: string) {
    this.#path = path;
    resources.push(this);
  }

  /** Whether this node has no such thing. */
  get isMissing(): boolean {
    return this.error.value?.code === "not_found";
  }

  /** Asks for it where nobody has yet. */
  want(): T | null {
    if (!this.#isWanted) {
      this.#isWanted = true;
      void this.load();
    }
    return this.value.value;
  }

  /** Asks again, once for all calls of a moment. */
  refresh(): void {
    if (!this.#isWanted || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.load();
    }, GATHER_MS);
  }

  async load(): Promise<void> {
    this.#isWanted = true;
    if (this.#isAsking) {
      this.#isStale = true;
      return;
    }
    this.#isAsking = true;
    try {
      do {
        this.#isStale = false;
        this.value.value = await get<T>(this.#path);
        this.error.value = null;
      } while (this.#isStale);
    } catch (error) {
      if (error instanceof ApiError) this.error.value = error;
      else throw error;
    } finally {
      this.#isAsking = false;
    }
  }

  forget(): void {
    this.#isWanted = false;
    this.value.value = null;
    this.error.value = null;
  }
}

export const status = new Resource<StatusView>("/admin/v1/status");
export const identity = new Resource<IdView>("/admin/v1/id");
export const peers = new Resource<PeersView>("/admin/v1/peers");
export const tokens = new Resource<TokensView>("/admin/v1/tokens");
export const modules = new Resource<ModulesView>("/admin/v1/modules");
export const conversations = new Resource<ConversationsView>("/m/messaging/conversations");
export const groups = new Resource<GroupsView>("/m/messaging/groups");
export const offers = new Resource<OffersView>("/m/file_sharing/offers");
export const shares = new Resource<SharesView>("/m/file_sharing/shares");
export const transfers = new Resource<TransfersView>("/m/file_sharing/transfers");
export const links = new Resource<LinksView>("/m/file_sharing/links");
export const invitations = new Resource<InvitationsView>("/admin/v1/invitations");
export const requests = new Resource<RequestsView>("/admin/v1/requests");
export const settings = new Resource<SettingsView>("/admin/v1/settings");
export const passphrase = new Resource<PassphraseView>("/admin/v1/passphrase");
export const factors = new Resource<{ readonly factors: readonly FactorView[] }>(
  "/auth/v1/factors",
);
export const browserSessions = new Resource<{ readonly sessions: readonly BrowserSessionView[] }>(
  "/auth/v1/sessions",
);
export const challenges = new Resource<ChallengesView>("/auth/v1/challenges");

/** Files that wait for an answer of the owner. */
export function openOffers(): readonly OfferView[] {
  return offers.want()?.offers.filter(({ state }) => state === "offered") ?? [];
}

/** Those that can still let somebody in. */
export function openInvitations(): readonly InvitationView[] {
  return invitations.want()?.invitations.filter(({ state }) => state === "open") ?? [];
}

/** What changes with an event, by the beginning of its name. */
const CHANGES: readonly (readonly [string, readonly Resource<unknown>[]])[] = [
  ["session", [status, peers, tokens]],
  ["introduced", [status, peers, tokens]],
  ["invitation", [invitations, peers]],
  ["register", [status]],
  ["warning", [status, modules]],
  ["messaging.group", [groups, conversations]],
  ["messaging.typing", []],
  ["messaging.", [conversations, peers, status]],
  ["file_sharing.link", [links]],
  ["file_sharing.received", []],
  ["file_sharing.", [offers, shares, transfers]],
  ["contact_request", [requests, peers]],
  ["authentication.", [challenges]],
];

type Hearer = (event: LiveEvent) => void;
const hearers = new Set<Hearer>();

/** Hears every event. @returns What ends it. */
export function onEvent(hearer: Hearer): () => void {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

function take(event: LiveEvent): void {
  const change = CHANGES.find(([begin]) => event.type.startsWith(begin));
  for (const resource of change?.[1] ?? []) resource.refresh();
  for (const hear of hearers) hear(event);
}

/** Asks for everything again that any page shows. */
function refreshAll(): void {
  for (const resource of resources) resource.refresh();
  for (const hear of hearers) hear({ type: "reconnected" });
}

/** Forgets all that was answered to somebody who has signed out. */
export function forgetAll(): void {
  for (const resource of resources) resource.forget();
}

/** Keeps what is shown up to date until somebody signs out. */
export function startStore(): void {
  void hearEvents(take, refreshAll);
  const timer = setInterval(() => {
    if (signedIn.value !== true) clearInterval(timer);
    else if (document.visibilityState === "visible") status.refresh();
  }, STATUS_EVERY_MS);
}

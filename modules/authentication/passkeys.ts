/**
 * Passkeys of the owner. Every one has to verify its user: without that, whoever finds it has it.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { Browser, ModuleContext } from "../api.ts";
import type { FactorOf, FactorStore } from "./factor_store.ts";
import type { WebauthnChallenges } from "./webauthn_challenges.ts";

const USER_HANDLE = "user_handle";
const USER_HANDLE_BYTES = 64;
/** What browsers call a transport. */
const MAX_TRANSPORTS = 8;

type Site = Pick<Browser, "origin">;
type Registration = Parameters<
  typeof import("@simplewebauthn/server")["verifyRegistrationResponse"]
>[0]["response"];
type Authentication = Parameters<
  typeof import("@simplewebauthn/server")["verifyAuthenticationResponse"]
>[0]["response"];

interface Parts extends Pick<ModuleContext, "own" | "random" | "storage"> {
  readonly store: FactorStore;
  readonly challenges: WebauthnChallenges;
}

/** Programs of this machine share the name `localhost`: passkeys are told apart by their user, who is random. */
export class Passkeys {
  readonly #parts: Parts;
  #userHandle = new Uint8Array();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    const { storage, random } = this.#parts;
    const known = await storage.get(USER_HANDLE);
    this.#userHandle = known === null ? random.bytes(USER_HANDLE_BYTES) : known.slice();
    if (known === null) await storage.put(USER_HANDLE, this.#userHandle);
  }

  /** What a browser needs to make one. */
  async creation(site: Site, { name, purpose }: { name: string; purpose: string }) {
    const { generateRegistrationOptions } = await import("@simplewebauthn/server");
    const { own, store, challenges } = this.#parts;
    return await generateRegistrationOptions({
      rpName: "OpenRed",
      rpID: hostOf(site),
      userID: this.#userHandle.slice(),
      userName: `${own.alias ?? own.id.slice(0, 12)} (${name})`,
      challenge: await challenges.make(purpose),
      attestationType: "none",
      authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
      excludeCredentials: this.#credentials(site, store.of("passkey")),
    });
  }

  /** @throws {OpenRedError} `factor_wrong`. */
  async read(site: Site, { name, purpose, response }: {
    name: string;
    purpose: string;
    response: unknown;
  }): Promise<Omit<FactorOf<"passkey">, "id" | "created_at" | "used_at">> {
    const { verifyRegistrationResponse } = await import("@simplewebauthn/server");
    const given = response as Registration;
    const { registrationInfo } = await orWrong(() =>
      verifyRegistrationResponse({
        response: given,
        expectedChallenge: (challenge) => this.#parts.challenges.take(challenge, purpose),
        expectedOrigin: site.origin,
        expectedRPID: hostOf(site),
        requireUserVerification: true,
      })
    );
    if (registrationInfo === undefined) throw wrong();
    const { id, publicKey, counter, transports = [] } = registrationInfo.credential;
    if (this.#parts.store.of("passkey").some(({ credential }) => credential === id)) throw wrong();
    return {
      kind: "passkey",
      name,
      credential: id,
      public_key: encodeBase64Url(publicKey),
      counter,
      transports: transports.slice(0, MAX_TRANSPORTS).map(String),
      host: hostOf(site),
    };
  }

  /** What a browser needs to show one; `null` where none belongs to this address. */
  async request(site: Site, purpose: string) {
    const own = this.#credentials(site, this.#parts.store.of("passkey"));
    if (own.length === 0) return null;
    const { generateAuthenticationOptions } = await import("@simplewebauthn/server");
    return await generateAuthenticationOptions({
      rpID: hostOf(site),
      challenge: await this.#parts.challenges.make(purpose),
      allowCredentials: own,
      userVerification: "required",
    });
  }

  /**
   * The passkey that answered, with its new counter.
   * @throws {OpenRedError} `factor_wrong`, for one whose counter has gone back as well: there may be a copy of it.
   */
  async check(
    site: Site,
    { purpose, response }: { purpose: string; response: unknown },
  ): Promise<FactorOf<"passkey">> {
    const { verifyAuthenticationResponse } = await import("@simplewebauthn/server");
    const given = response as Authentication;
    const find = () =>
      this.#parts.store.of("passkey").find(({ credential }) => credential === given?.id);
    const factor = find();
    if (factor === undefined || !this.#isOwnUser(given)) throw wrong();
    const { verified, authenticationInfo } = await orWrong(() =>
      verifyAuthenticationResponse({
        response: given,
        expectedChallenge: (challenge) => this.#parts.challenges.take(challenge, purpose),
        expectedOrigin: site.origin,
        expectedRPID: factor.host,
        credential: {
          id: factor.credential,
          publicKey: decodeBase64Url(factor.public_key)!.slice(),
          counter: factor.counter,
        },
        requireUserVerification: true,
      })
    );
    const latest = find();
    const { newCounter } = authenticationInfo;
    const hasCounter = newCounter > 0 || (latest?.counter ?? 0) > 0;
    if (!verified || latest === undefined) throw wrong();
    if (hasCounter && newCounter <= latest.counter) throw wrong();
    const used = { ...latest, counter: newCounter };
    await this.#parts.store.used(used);
    return used;
  }

  /** Whether a passkey belongs to an address. */
  worksAt(site: Site, { host }: FactorOf<"passkey">): boolean {
    return hostOf(site) === host;
  }

  #isOwnUser(given: Authentication): boolean {
    const handle = given.response?.userHandle;
    return handle === undefined || handle === null || handle === "" ||
      handle === encodeBase64Url(this.#userHandle);
  }

  #credentials(site: Site, passkeys: readonly FactorOf<"passkey">[]) {
    return passkeys.filter((passkey) => this.worksAt(site, passkey)).map((passkey) => ({
      id: passkey.credential,
      transports: [...passkey.transports] as never[],
    }));
  }
}

function hostOf({ origin }: Site): string {
  return new URL(origin).hostname;
}

function wrong(cause?: unknown): OpenRedError {
  return new OpenRedError("factor_wrong", "This passkey does not fit", { cause });
}

/** Whatever the library says to what somebody sent is one answer. */
async function orWrong<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (cause) {
    throw wrong(cause);
  }
}

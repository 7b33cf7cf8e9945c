/**
 * Reads the JSON payloads of Noise messages: strict about what it needs, blind to what it does not
 * know.
 *
 * @module
 * @see docs/PROTOCOL.md, "Growing"
 */
import { decodeBase64Url, decodeUtf8 } from "../encoding.ts";
import { CryptoError, type CryptoErrorCode } from "../interface.ts";

const MAX_MUST_NAMES = 32;
const MAX_NAME_LENGTH = 64;

export interface PayloadOptions {
  /** The members this reader knows, for `must`. */
  readonly known: readonly string[];
  /** What every failure is thrown as. */
  readonly code: CryptoErrorCode;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of one JSON object. Every failure is a {@linkcode CryptoError} of one code. */
export class PayloadReader {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #code: CryptoErrorCode;

  private constructor(members: Readonly<Record<string, unknown>>, code: CryptoErrorCode) {
    this.#members = members;
    this.#code = code;
  }

  /** Decodes UTF-8 JSON and applies `must`. */
  static decode(bytes: Uint8Array, options: PayloadOptions): PayloadReader {
    let value: unknown;
    try {
      value = JSON.parse(decodeUtf8(bytes));
    } catch (cause) {
      throw new CryptoError(options.code, "The payload is not JSON in UTF-8", { cause });
    }
    if (!isObject(value)) throw new CryptoError(options.code, "The payload is not an object");
    const reader = new PayloadReader(value, options.code);
    reader.#checkMust(options.known);
    return reader;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#members, name);
  }

  text(name: string, limits: { readonly maxLength: number }): string {
    const value = this.#members[name];
    if (typeof value !== "string" || value.length < 1 || value.length > limits.maxLength) {
      return this.refuse(name);
    }
    return value;
  }

  integer(name: string, limits: { readonly min: number; readonly max: number }): number {
    const value = this.#members[name];
    if (!Number.isSafeInteger(value)) return this.refuse(name);
    const integer = value as number;
    return integer >= limits.min && integer <= limits.max ? integer : this.refuse(name);
  }

  /** Strict base64url of exactly `length` bytes. */
  bytes(name: string, length: number): Uint8Array {
    const text = this.text(name, { maxLength: Math.ceil(length * 4 / 3) });
    const decoded = decodeBase64Url(text);
    return decoded?.length === length ? decoded : this.refuse(name);
  }

  object(name: string, known: readonly string[]): PayloadReader {
    const value = this.#members[name];
    if (!isObject(value)) return this.refuse(name);
    const reader = new PayloadReader(value, this.#code);
    reader.#checkMust(known);
    return reader;
  }

  refuse(name: string): never {
    throw new CryptoError(this.#code, `Member ${name} of the payload is not valid`);
  }

  #checkMust(known: readonly string[]): void {
    const must = this.#members["must"];
    if (must === undefined) return;
    if (!Array.isArray(must) || must.length > MAX_MUST_NAMES) return this.refuse("must");
    for (const name of must as unknown[]) {
      if (typeof name !== "string" || name.length > MAX_NAME_LENGTH || !known.includes(name)) {
        return this.refuse("must");
      }
    }
  }
}

/**
 * The `iss` of a compact JWS's payload, without verifying anything.
 * @returns `null` if there is no text `iss` to read.
 */
export function peekIssuer(jws: string): string | null {
  const payload = decodeBase64Url(jws.split(".", 4)[1] ?? "");
  if (payload === null) return null;
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload));
    return isObject(value) && typeof value["iss"] === "string" ? value["iss"] : null;
  } catch {
    // Not UTF-8 or not JSON: either way nothing to read.
    return null;
  }
}

/**
 * Looking up a link that somebody sent: what opens it, its head and its tickets.
 *
 * @module
 */
import { decodeUtf8, encodeBase64Url } from "../../../crypto/encoding.ts";
import { ERROR_STATUS, type ErrorCode, OpenRedError } from "../../../protocol/errors.ts";
import {
  LINK_PATH,
  type LinkHead,
  linkHeadAnswerSchema,
  linkHeadSchema,
  linkTicketAnswerSchema,
  type ParsedLink,
} from "../../../protocol/file_links.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type { OwnersWeb, Passwords } from "../../api.ts";
import {
  deriveAccess,
  derivePartKey,
  deriveSealing,
  fromBase64Url,
  openPiece,
  passwordBytes,
} from "./page/link_crypto.js";

const MAX_HEAD_ANSWER_BYTES = 2 ** 20;
const MAX_ANSWER_BYTES = 4_096;
const MAX_TEXT_LENGTH = 200;

export interface LinkOpeningParts {
  readonly web: OwnersWeb;
  readonly passwords: Passwords;
}

/** What somebody shows who has a link. */
export interface OpenedLink {
  /** Of the link, without what is behind the `#`. */
  readonly url: string;
  readonly id: Uint8Array<ArrayBuffer>;
  readonly proofs: { readonly access: string; readonly open?: string };
  readonly sealing: Uint8Array<ArrayBuffer>;
}

/** @throws {OpenRedError} What the other node refuses it with; `unreachable`; `bad_signature`. */
export async function openLink(
  { web, passwords }: LinkOpeningParts,
  { link, password }: { readonly link: ParsedLink; readonly password: string | null },
  signal: AbortSignal,
): Promise<{ readonly head: LinkHead; readonly link: OpenedLink }> {
  const { access, salt } = await deriveAccess(link);
  const url = `${link.url}${LINK_PATH}${encodeBase64Url(link.id)}`;
  const ask = async (json: OpenedLink["proofs"]) =>
    parseInput(
      linkHeadAnswerSchema,
      await post(web, { url: `${url}/head`, json, most: MAX_HEAD_ANSWER_BYTES }, signal),
    );
  const plain = { access: encodeBase64Url(access) };
  const first = await ask(plain);
  if (first.password && password === null) {
    throw new OpenRedError("unauthorized", "This link has a password");
  }
  const stretched = first.password
    ? Uint8Array.from(await passwords.stretch(passwordBytes(password!), salt))
    : null;
  const { open, sealing } = await deriveSealing(link, stretched);
  const proofs = open === null ? plain : { ...plain, open: encodeBase64Url(open) };
  const { head: sealed } = first.password ? await ask(proofs) : first;
  const opened = { url, id: link.id, proofs, sealing };
  return { head: await openHead(opened, sealed ?? ""), link: opened };
}

async function openHead({ id, sealing }: OpenedLink, text: string): Promise<LinkHead> {
  const what = { transfer: id, part: "head", root: new Uint8Array(), length: 0 } as const;
  const sealed = fromBase64Url(text);
  const content = sealed === null
    ? null
    : await openPiece(await derivePartKey(sealing, what), what, { number: 0, sealed });
  if (content === null) throw new OpenRedError("bad_signature", "The link does not open");
  return parseInput(linkHeadSchema, parseJson(decodeUtf8(content)));
}

/** Takes a ticket for one file. @throws {OpenRedError} As {@linkcode openLink}. */
export async function takeTicket(
  { web }: Pick<LinkOpeningParts, "web">,
  { link, file }: { readonly link: OpenedLink; readonly file: number },
  signal: AbortSignal,
): Promise<string> {
  const wanted = {
    url: `${link.url}/tickets`,
    json: { ...link.proofs, file },
    most: MAX_ANSWER_BYTES,
  };
  return parseInput(linkTicketAnswerSchema, await post(web, wanted, signal)).ticket;
}

async function post(
  web: OwnersWeb,
  { url, json, most }: { readonly url: string; readonly json: unknown; readonly most: number },
  signal: AbortSignal,
): Promise<unknown> {
  const { status, body } = await web.post({ url, json, maxAnswerBytes: most, signal });
  if (status === 200) return parseJson(body);
  throw refusalOf(body);
}

/** What another node says, as far as its code is known; its words are cut short. */
function refusalOf(body: Uint8Array): OpenRedError {
  let said: { readonly code?: unknown; readonly detail?: unknown };
  try {
    said = Object(parseJson(body));
  } catch {
    said = {};
  }
  const { code, detail } = said;
  const isKnown = typeof code === "string" && Object.hasOwn(ERROR_STATUS, code) &&
    code !== "internal";
  if (!isKnown) return new OpenRedError("unreachable", "No node answers at this link");
  const text = typeof detail === "string" ? detail.slice(0, MAX_TEXT_LENGTH) : "It was refused";
  return new OpenRedError(code as ErrorCode, text);
}

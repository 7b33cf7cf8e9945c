/**
 * One thing changed in something that was right.
 *
 * @module
 */
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { CANARY, junkJson, strangeName } from "./bad_json.ts";

/** A change as plain data, so that a counterexample can be read and replayed. */
export interface Edit {
  readonly kind:
    | "none"
    | "drop"
    | "set"
    | "add"
    | "twice"
    | "inside"
    | "shorten"
    | "lengthen"
    | "wrap"
    | "flip"
    | "cut"
    | "insert";
  /** Where: taken modulo the number of places. */
  readonly at: number;
  /** JSON text of a value. */
  readonly json: string;
  /** Name of a member that is added. */
  readonly name: string;
}

export const NO_EDIT: Edit = { kind: "none", at: 0, json: "null", name: "" };

function editOf(kinds: readonly Edit["kind"][]): fc.Arbitrary<Edit> {
  return fc.record({
    kind: fc.constantFrom(...kinds),
    at: fc.nat(),
    json: junkJson,
    name: strangeName,
  });
}

/** Changes that leave a JSON object; what is around it can still be right. */
export const memberEdit = editOf([
  "drop",
  "set",
  "set",
  "set",
  "add",
  "twice",
  "inside",
  "shorten",
  "lengthen",
]);

/** Any change of the bytes. */
export const anyEdit = fc.oneof(memberEdit, editOf(["wrap", "flip", "cut", "insert"]));

type Members = [name: string, json: string][];

function write(members: Members): string {
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

/** Changes a text's characters, where the value of a member is a text. */
function editText(json: string, change: (text: string) => string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? JSON.stringify(change(value)) : json;
}

/** Replaces one character of base64url, or of anything else, by another one. */
export function flipText(text: string, at: number): string {
  if (text === "") return CANARY;
  const place = at % text.length;
  const other = text[place] === "A" ? "B" : "A";
  return text.slice(0, place) + other + text.slice(place + 1);
}

function editMembers(members: Members, edit: Edit): Members {
  const place = members.length === 0 ? 0 : edit.at % members.length;
  const replace = (json: (before: string) => string): Members =>
    members.map(([name, before], index) => [name, index === place ? json(before) : before]);
  switch (edit.kind) {
    case "drop":
      return members.filter((_, index) => index !== place);
    case "set":
      return replace(() => edit.json);
    case "add":
      return [...members, [edit.name, edit.json]];
    case "twice":
      return [...members, [members[place]?.[0] ?? CANARY, edit.json]];
    case "inside":
      return replace((json) => editText(json, (text) => flipText(text, edit.at)));
    case "shorten":
      return replace((json) =>
        editText(json, (text) => text.slice(0, edit.at % (text.length + 1)))
      );
    case "lengthen":
      return replace((json) => editText(json, (text) => text + CANARY));
    default:
      return members;
  }
}

function editBytes(bytes: Uint8Array<ArrayBuffer>, edit: Edit): Uint8Array<ArrayBuffer> {
  const place = edit.at % (bytes.length + 1);
  switch (edit.kind) {
    case "flip": {
      const flipped = bytes.slice();
      flipped[place % bytes.length]! ^= 1 << (edit.at % 8);
      return flipped;
    }
    case "cut":
      return bytes.slice(0, place);
    case "insert":
      return new Uint8Array([...bytes.slice(0, place), edit.at % 256, ...bytes.slice(place)]);
    default:
      return bytes;
  }
}

/** Changes a JSON object of flat members. */
export function editObject(object: object, edit: Edit): Uint8Array<ArrayBuffer> {
  const members = Object.entries(object)
    .map(([name, value]): Members[number] => [name, JSON.stringify(value)]);
  const text = write(editMembers(members, edit));
  return editBytes(encodeUtf8(edit.kind === "wrap" ? `[${text}]` : text), edit);
}

/** As {@linkcode editObject}, for changes that leave text. */
export function editObjectText(object: object, edit: Edit): string {
  return new TextDecoder().decode(editObject(object, edit));
}

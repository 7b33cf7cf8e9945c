/**
 * What a line that was typed asks for: a text, or a command of the conversation.
 *
 * @module
 */

export type ChatWish =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reply" | "edit" | "react"; readonly number: number; readonly text: string }
  | { readonly kind: "remove"; readonly number: number }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "help" | "quit" }
  /** What is wrong with it. */
  | { readonly kind: "wrong"; readonly why: string };

export const CHAT_HELP: readonly string[] = [
  "/reply N TEXT   answer the message with the number N",
  "/edit N TEXT    change an own message",
  "/react N SIGN   react to a message; without a sign take that back",
  "/remove N       take an own message away, here and there",
  "/file PATH      share a file",
  "/help  /quit    this list; leave, as Ctrl-C does",
  "//TEXT          a text that begins with /",
  "Alt-Enter begins a line, arrows and page keys look back.",
];

/** Where a message follows; what it is called. */
const NUMBERED = /^(\d{1,6})(?:[ \n]([\s\S]*))?$/;

/** Reads what was typed. */
export function readWish(typed: string): ChatWish {
  if (!typed.startsWith("/")) return { kind: "text", text: typed };
  if (typed.startsWith("//")) return { kind: "text", text: typed.slice(1) };
  const [, word = "", rest = ""] = /^\/(\S*)\s?([\s\S]*)$/.exec(typed) ?? [];
  switch (word) {
    case "help":
    case "quit":
      return { kind: word };
    case "file":
      return rest.trim() === ""
        ? { kind: "wrong", why: "Say which file: /file PATH" }
        : { kind: "file", path: rest.trim() };
    case "reply":
    case "edit":
    case "react":
      return numbered(word, rest);
    case "remove": {
      const [, digits] = NUMBERED.exec(rest.trim()) ?? [];
      return digits === undefined
        ? { kind: "wrong", why: "Say which message: /remove N" }
        : { kind: "remove", number: Number(digits) };
    }
    default:
      return { kind: "wrong", why: "There is no such command: /help lists them, // begins a text" };
  }
}

function numbered(kind: "reply" | "edit" | "react", rest: string): ChatWish {
  const [, digits, text = ""] = NUMBERED.exec(rest) ?? [];
  if (digits === undefined || (text === "" && kind !== "react")) {
    return { kind: "wrong", why: `Say which message and what: /${kind} N TEXT` };
  }
  return { kind, number: Number(digits), text };
}

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ChatEditor } from "../../cli/chat_editor.ts";
import { KeyReader, type Typed } from "../../cli/chat_keys.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function editorWith(text: string): ChatEditor {
  const editor = new ChatEditor();
  editor.set(text);
  return editor;
}

Deno.test("ChatEditor moves by signs and words, and takes whole ones away", () => {
  const editor = editorWith("un café 👩‍👩‍👧");
  editor.press("backspace");
  assertEquals(editor.text, "un café ");
  editor.press("left");
  editor.press("backspace");
  assertEquals(editor.text, "un caf ");
  editor.press("word_left");
  editor.insert("grand ");
  assertEquals(editor.text, "un grand caf ");
  editor.press("clear_end");
  editor.press("clear_word");
  assertEquals(editor.text, "un ");
  editor.press("home");
  editor.press("delete");
  editor.press("newline");
  assertEquals(editor.text, "\nn ");
  assertEquals(editor.press("up"), false, "is not its own");
});

Deno.test("ChatEditor takes no more than a message may have", () => {
  const editor = editorWith("é".repeat(128 * 1024));
  assertEquals([editor.insert("x"), editor.text.length], [false, 128 * 1024]);
});

Deno.test("ChatEditor lays a text out with its cursor, wide signs and controls in it", () => {
  assertEquals(editorWith("").layOut(10), { lines: [""], row: 0, column: 0 });
  assertEquals(editorWith("abcdef").layOut(4), { lines: ["abcd", "ef"], row: 1, column: 2 });
  assertEquals(editorWith("abcd").layOut(4), { lines: ["abcd", ""], row: 1, column: 0 });
  assertEquals(editorWith("日本語").layOut(4), { lines: ["日本", "語"], row: 1, column: 2 });
  assertEquals(editorWith("a\x1b[2J\nb").layOut(20), { lines: ["a␛[2J", "b"], row: 1, column: 1 });
  const editor = editorWith("ab\ncd");
  editor.press("home");
  editor.press("left");
  assertEquals(editor.layOut(9), { lines: ["ab", "cd"], row: 0, column: 2 });
});

Deno.test("KeyReader reads keys and pasted text, wherever their bytes are cut", () => {
  const typed = "é日\x1b[A\x1b[1;5D\x1bOH\x1b\r\x7f\x1b[200~a\r\nb\x1b[31mc\t\x1b[201~\r\x1b[99~x";
  const keys = (...names: string[]) => names.map((name) => ({ kind: "key", name }) as Typed);
  const expected: Typed[] = [
    { kind: "text", text: "é日" },
    ...keys("up", "word_left", "home", "newline", "backspace"),
    { kind: "paste", text: "a\nb[31mc\t" },
    ...keys("enter"),
    { kind: "text", text: "x" },
  ];
  const bytes = bytesOf(typed);
  const joined = (parts: readonly Typed[]) =>
    parts.reduce<Typed[]>((all, part) => {
      const last = all.at(-1);
      if (part.kind !== "text" || last?.kind !== "text") return [...all, part];
      return [...all.slice(0, -1), { kind: "text", text: last.text + part.text }];
    }, []);
  fc.assert(fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 8 }), (cuts) => {
    const reader = new KeyReader();
    const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    const read = places.slice(1).flatMap((end, index) =>
      reader.take(bytes.subarray(places[index], end))
    );
    assertEquals(joined(read), expected);
  }));
});

Deno.test("KeyReader reads whatever bytes come, and gives no control as text", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
    const reader = new KeyReader();
    for (const typed of pieces.flatMap((piece) => reader.take(piece))) {
      // deno-lint-ignore no-control-regex
      if (typed.kind === "text") assertEquals(/[\x00-\x1f\x7f]/.test(typed.text), false);
    }
  }));
});

/**
 * Messages of earlier versions lie in plain text in the database. They are sealed once, at the start; what that leaves
 * in the files is overwritten.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, TableStatement } from "../api.ts";
import { aadOfPlace, type Place, sealTexts, TEXTS_PER_CALL } from "./sealed_texts.ts";

interface Box {
  readonly plain: string;
  readonly place: (row: PlainRow) => Place;
  /** Takes every column but the text, and the sealed text last. */
  readonly insert: string;
  readonly values: (row: PlainRow) => (string | number)[];
}

type PlainRow = NonNullable<ReturnType<TableStatement["get"]>>;

const INBOX: Box = {
  plain: "messaging_plain_inbox",
  place: ({ peer, id, received_at }) => ({
    box: "inbox",
    peer: String(peer),
    id: String(id),
    at: Number(received_at),
  }),
  insert: `INSERT INTO messaging_inbox (number, peer, id, received_at, request, sealed)
    VALUES (?, ?, ?, ?, ?, ?)`,
  values: ({ number, peer, id, received_at, request }) => [
    Number(number),
    String(peer),
    String(id),
    Number(received_at),
    Number(request),
  ],
};

const OUTBOX: Box = {
  plain: "messaging_plain_outbox",
  place: ({ id, sent_at }) => ({ box: "outbox", id: String(id), at: Number(sent_at) }),
  insert: `INSERT INTO messaging_outbox (number, peer, id, sent_at, delivered, sealed)
    VALUES (?, ?, ?, ?, ?, ?)`,
  values: ({ number, peer, id, sent_at, delivered }) => [
    Number(number),
    String(peer),
    String(id),
    Number(sent_at),
    Number(delivered),
  ],
};

/** A table that is there while the files may hold what is left of plain texts. */
const UNWIPED = "messaging_unwiped";

/**
 * Seals what is left in plain text. A process that is killed meanwhile goes on at its next start: each part is one
 * transaction, and the plain tables go once they are empty, before the files are wiped: their last pages are free then.
 * @throws {OpenRedError} `overloaded` where the disk takes nothing.
 */
export async function sealPlainRows(
  parts: Pick<ModuleContext, "storage" | "log"> & { readonly tables: ModuleTables },
): Promise<void> {
  const { tables, log } = parts;
  if (isThere(tables, INBOX.plain)) {
    const count = await sealBox(parts, INBOX) + await sealBox(parts, OUTBOX);
    await tables.write(() => {
      for (const { plain } of [INBOX, OUTBOX]) tables.statement(`DROP TABLE ${plain}`).run();
      tables.statement(`CREATE TABLE ${UNWIPED} (pending INTEGER) STRICT`).run();
    });
    if (count > 0) log.log("info", "texts_sealed", { count });
  }
  if (!isThere(tables, UNWIPED)) return;
  await tables.wipe();
  await tables.write(() => void tables.statement(`DROP TABLE ${UNWIPED}`).run());
}

function isThere(tables: ModuleTables, name: string): boolean {
  const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
  return tables.statement(sql).get(name) !== undefined;
}

async function sealBox(
  { tables, storage }: {
    readonly tables: ModuleTables;
    readonly storage: ModuleContext["storage"];
  },
  box: Box,
): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = tables.statement(`SELECT * FROM ${box.plain} ORDER BY number LIMIT ?`)
      .all(TEXTS_PER_CALL);
    if (rows.length === 0) return count;
    const sealed = await sealTexts(
      storage,
      rows.map((row) => ({ aad: aadOfPlace(box.place(row)), text: String(row.text) })),
    );
    await tables.write(() => {
      for (const [index, row] of rows.entries()) {
        tables.statement(box.insert).run(...box.values(row), sealed[index]!);
        tables.statement(`DELETE FROM ${box.plain} WHERE number = ?`).run(Number(row.number));
      }
    });
    count += rows.length;
  }
}

/**
 * Restoring a backup: what it means, the file on its way to the node, what is in it, and then the wait.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { MAX_BACKUP_PIECE_BYTES } from "../../../../protocol/backup_limits.ts";
import type {
  ComingBackupView,
  OpenedBackupView,
  RestorationView,
} from "../../../../protocol/restoration_api.ts";
import { ApiError, codeOf, post } from "../api.ts";
import { toBase64Url } from "../base64url.ts";
import { formatBytes, formatDate } from "../format.ts";
import { OneFilePicker } from "../parts/file_picker.tsx";
import { Form, TextField } from "../parts/fields.tsx";
import { encodePassphrase } from "../parts/new_passphrase.tsx";
import { Button, Dialog, errorText, FormEnd, notify, Progress, useAction } from "../parts/ui.tsx";
import { t, tn } from "../language.ts";
import { passphrase } from "../store.ts";
import { becoming } from "./becoming.tsx";

const PATH = "/admin/v1/restoration";

/** The button, and the window behind it. @param isInUse Whether the node has more than its first start gave it. */
export function Restore({ isInUse }: { isInUse: boolean }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="stack">
      <p class="muted">{t("restore.text")}</p>
      <div class="row">
        <Button onClick={() => setOpen(true)}>{t("restore.open")}</Button>
      </div>
      {isOpen && <Steps isInUse={isInUse} onClose={() => setOpen(false)} />}
    </div>
  );
}

function Steps({ isInUse, onClose }: { isInUse: boolean; onClose: () => void }) {
  const [isThere, setThere] = useState(false);
  const [opened, setOpened] = useState<OpenedBackupView | null>(null);
  const cancel = () => {
    void post(`${PATH}/cancel`).catch(() => undefined);
    onClose();
  };
  return (
    <Dialog title={t("restore.title")} onClose={cancel}>
      {!isThere
        ? <Choice onThere={() => setThere(true)} onClose={cancel} />
        : opened === null
        ? <Look onOpened={setOpened} onOver={() => setThere(false)} onClose={cancel} />
        : (
          <Last
            opened={opened}
            isInUse={isInUse}
            onOver={() => {
              setOpened(null);
              setThere(false);
            }}
            onClose={cancel}
          />
        )}
    </Dialog>
  );
}

/** Brings a file to the node, piece by piece. @throws {ApiError} */
async function bring(
  file: File,
  { signal, onPiece }: { signal: AbortSignal; onPiece: (done: number) => void },
): Promise<void> {
  await post<ComingBackupView>(PATH, { bytes: file.size });
  for (let at = 0; at < file.size;) {
    if (signal.aborted) {
      // What was cancelled while a piece was on its way came before it.
      await post(`${PATH}/cancel`);
      return;
    }
    const data = toBase64Url(await file.slice(at, at + MAX_BACKUP_PIECE_BYTES).bytes());
    ({ at } = await post<ComingBackupView>(`${PATH}/piece`, { at, data }));
    onPiece(at);
  }
}

/** What will happen, and the file. */
function Choice({ onThere, onClose }: { onThere: () => void; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);
  const action = useAction();
  const send = async (chosen: File) => {
    setFailure(null);
    setDone(0);
    try {
      const { signal } = gone.current;
      await bring(chosen, { signal, onPiece: setDone });
      if (!signal.aborted) onThere();
    } catch (error) {
      setFailure(fileFailure(error));
    } finally {
      setDone(null);
    }
  };
  return (
    <Form submit={() => file !== null && action.run(() => send(file))}>
      <ul class="points">
        <li>{t("restore.comes")}</li>
        <li>{t("restore.goes")}</li>
        <li>{t("restore.once")}</li>
        <li>{t("restore.stays")}</li>
      </ul>
      <OneFilePicker
        file={file}
        hint={t("restore.file_hint")}
        label={t("restore.choose")}
        onChange={(chosen) => {
          setFile(chosen);
          setFailure(null);
        }}
      />
      <FormEnd
        failure={failure}
        label={t("restore.next")}
        disabled={file === null}
        busy={action.busy}
        onBack={onClose}
      >
        {file !== null && done !== null && (
          <div role="status">
            <Progress done={done} of={file.size} label={t("restore.sending")} />
            <p class="muted">
              {t("restore.sent", { done: formatBytes(done), of: formatBytes(file.size) })}
            </p>
          </div>
        )}
      </FormEnd>
    </Form>
  );
}

function fileFailure(error: unknown): string {
  const code = codeOf(error);
  // Less than any backup has.
  return code === "unsupported" || code === "bad_request"
    ? t("restore.no_backup")
    : errorText(error);
}

/** The passphrase of the backup, all of which is read then. */
function Look(
  { onOpened, onOver, onClose }: {
    onOpened: (opened: OpenedBackupView) => void;
    onOver: () => void;
    onClose: () => void;
  },
) {
  const [given, setGiven] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const action = useAction();
  const look = async () => {
    setFailure(null);
    try {
      onOpened(
        await post<OpenedBackupView>(`${PATH}/look`, { passphrase: encodePassphrase(given) }),
      );
    } catch (error) {
      const code = codeOf(error);
      if (code === "forbidden") return setFailure(t("restore.wrong"));
      onOver();
      if (code === "not_found") return notify(t("restore.over"), "bad");
      if (code === "unsupported") return notify(t("restore.newer"), "bad");
      if (code === "bad_request") return notify(t("restore.no_node"), "bad");
      throw error;
    }
  };
  return (
    <Form autocomplete="off" submit={() => action.run(look)}>
      <p>{t("restore.there")}</p>
      <TextField
        label={t("restore.passphrase")}
        hint={t("restore.passphrase_hint")}
        type="password"
        autocomplete="off"
        required
        value={given}
        onChange={setGiven}
      />
      <FormEnd failure={failure} label={t("restore.next")} busy={action.busy} onBack={onClose}>
        <p class="muted" role="status">{action.busy ? t("restore.reading") : ""}</p>
      </FormEnd>
    </Form>
  );
}

/** What is in it, and no other node here after it. */
function Last(
  { opened, isInUse, onOver, onClose }: {
    opened: OpenedBackupView;
    isInUse: boolean;
    onOver: () => void;
    onClose: () => void;
  },
) {
  const [given, setGiven] = useState("");
  const [current, setCurrent] = useState("");
  const [typed, setTyped] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const isSealed = passphrase.want()?.is_set ?? false;
  const word = t("restore.word");
  const action = useAction();
  const { node_id: id, is_own: isOwn, created_at: madeAt, contacts } = opened;
  const make = async () => {
    if (isInUse && typed.trim().toLowerCase() !== word) {
      return setFailure(t("restore.not_word", { word }));
    }
    setFailure(null);
    try {
      const made = await post<RestorationView>(`${PATH}/make`, {
        seen: opened.seen,
        passphrase: opened.has_passphrase ? encodePassphrase(given) : null,
        current: isSealed ? encodePassphrase(current) : null,
      });
      becoming.value = { ...made, by: "restore" };
    } catch (error) {
      const code = codeOf(error);
      if (code === "not_found") {
        onOver();
        return notify(t("restore.over"), "bad");
      }
      if (code !== "forbidden") throw error;
      const isOfNow = error instanceof ApiError && error.members.of === "current";
      setFailure(t(isOfNow ? "restore.current_wrong" : "restore.keys_wrong"));
    }
  };
  return (
    <Form autocomplete="off" submit={() => action.run(make)}>
      <p>
        {t(isOwn ? "restore.own" : "restore.other", { when: formatDate(madeAt) })}{" "}
        {tn("restore.contacts", contacts)}
      </p>
      <p>
        {t("becoming.id_restore")} <code class="id">{id}</code>
      </p>
      <p>{t(isOwn ? "restore.since" : "restore.instead")}</p>
      {isInUse && (
        <div class="card warn">
          <p>{t("restore.in_use")}</p>
        </div>
      )}
      {opened.has_passphrase && (
        <TextField
          label={t("restore.keys")}
          hint={t("restore.keys_hint")}
          type="password"
          autocomplete="off"
          required
          value={given}
          onChange={setGiven}
        />
      )}
      {isSealed && (
        <TextField
          label={t("restore.current")}
          hint={t("restore.current_hint")}
          type="password"
          autocomplete="off"
          required
          value={current}
          onChange={setCurrent}
        />
      )}
      {isInUse && (
        <TextField
          label={t("restore.type", { word })}
          autocomplete="off"
          autocapitalize="none"
          required
          value={typed}
          onChange={setTyped}
        />
      )}
      <FormEnd
        failure={failure}
        label={t("restore.make")}
        kind="danger"
        busy={action.busy}
        onBack={onClose}
      />
    </Form>
  );
}

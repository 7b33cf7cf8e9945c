/**
 * The passphrase of the node's keys: setting it, changing it, taking it off.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { PassphraseView } from "../../../../protocol/settings_api.ts";
import { ApiError, post } from "../api.ts";
import { toBase64Url } from "../base64url.ts";
import { passphrase } from "../store.ts";
import { t } from "../language.ts";
import { Form, TextField } from "./fields.tsx";
import { Button, errorText, Loading, notify, useAction } from "./ui.tsx";

const MIN_CHARACTERS = 10;

function encoded(text: string): string {
  return toBase64Url(new TextEncoder().encode(text));
}

/** @throws {ApiError} `forbidden` where the present one is wrong. */
async function change(current: string | null, next: string | null): Promise<void> {
  passphrase.value.value = await post<PassphraseView>("/admin/v1/passphrase", {
    passphrase: next === null ? null : encoded(next),
    current: current === null ? null : encoded(current),
  });
}

export function PassphraseForm() {
  const view = passphrase.want();
  const [isOpen, setOpen] = useState(false);
  if (view === null) return <Loading />;
  if (!view.is_set) return <Fields isSet={false} onDone={() => setOpen(false)} />;
  return (
    <div class="stack">
      <p>{t("passphrase.is_set")}</p>
      {isOpen ? <Fields isSet onDone={() => setOpen(false)} /> : (
        <div class="row">
          <Button onClick={() => setOpen(true)}>{t("passphrase.change")}</Button>
        </div>
      )}
    </div>
  );
}

function Fields({ isSet, onDone }: { isSet: boolean; onDone: () => void }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const action = useAction();
  const differs = again !== "" && next !== again;
  const isReady = next.length >= MIN_CHARACTERS && next === again && (!isSet || current !== "");
  const give = async (chosen: string | null, done: string) => {
    setFailure(null);
    try {
      await change(isSet ? current : null, chosen);
    } catch (error) {
      if (error instanceof ApiError && error.code === "not_confirmed") return;
      const isWrong = error instanceof ApiError && error.code === "forbidden";
      setFailure(isWrong ? t("passphrase.wrong") : errorText(error));
      return;
    }
    for (const clear of [setCurrent, setNext, setAgain]) clear("");
    notify(done);
    onDone();
  };
  return (
    <Form
      autocomplete="off"
      submit={() => {
        const done = t(isSet ? "passphrase.changed" : "passphrase.made");
        if (isReady) action.run(() => give(next, done));
      }}
    >
      {isSet && (
        <TextField
          label={t("passphrase.current")}
          type="password"
          autocomplete="current-password"
          required
          value={current}
          onChange={setCurrent}
        />
      )}
      <TextField
        label={t(isSet ? "passphrase.next" : "backup.passphrase")}
        hint={t("passphrase.hint")}
        type="password"
        autocomplete="new-password"
        value={next}
        onChange={setNext}
      />
      <TextField
        label={t("backup.again")}
        type="password"
        autocomplete="new-password"
        value={again}
        onChange={setAgain}
      />
      {differs && <p class="failure" role="alert">{t("backup.differs")}</p>}
      {failure !== null && <p class="failure" role="alert">{failure}</p>}
      <div class="row">
        <Button kind="primary" submit busy={action.busy} disabled={!isReady}>
          {t(isSet ? "passphrase.change" : "passphrase.set")}
        </Button>
        {isSet && (
          <Button
            kind="danger"
            busy={action.busy}
            disabled={current === ""}
            onClick={() => action.run(() => give(null, t("passphrase.removed")))}
          >
            {t("passphrase.remove")}
          </Button>
        )}
      </div>
    </Form>
  );
}

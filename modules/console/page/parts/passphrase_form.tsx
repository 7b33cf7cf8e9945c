/**
 * The passphrase of the node's keys: setting it, changing it, taking it off.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { PassphraseView } from "../../../../protocol/settings_api.ts";
import { ApiError, post } from "../api.ts";
import { passphrase } from "../store.ts";
import { t } from "../language.ts";
import { Form, TextField } from "./fields.tsx";
import { encodePassphrase, NewPassphraseFields, useNewPassphrase } from "./new_passphrase.tsx";
import { Button, errorText, Loading, notify, useAction } from "./ui.tsx";

/** @throws {ApiError} `forbidden` where the present one is wrong. */
async function change(current: string | null, next: string | null): Promise<void> {
  passphrase.value.value = await post<PassphraseView>("/admin/v1/passphrase", {
    passphrase: next === null ? null : encodePassphrase(next),
    current: current === null ? null : encodePassphrase(current),
  });
}

export function PassphraseForm() {
  const view = passphrase.want();
  const [isOpen, setOpen] = useState(false);
  if (view === null) return <Loading of={passphrase} />;
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
  const next = useNewPassphrase();
  const [failure, setFailure] = useState<string | null>(null);
  const action = useAction();
  const isReady = next.isReady && (!isSet || current !== "");
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
    setCurrent("");
    next.clear();
    notify(done);
    onDone();
  };
  return (
    <Form
      autocomplete="off"
      submit={() => {
        const done = t(isSet ? "passphrase.changed" : "passphrase.made");
        if (isReady) action.run(() => give(next.text, done));
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
      <NewPassphraseFields
        of={next}
        label={t(isSet ? "passphrase.next" : "backup.passphrase")}
        hint={t("passphrase.hint")}
      />
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

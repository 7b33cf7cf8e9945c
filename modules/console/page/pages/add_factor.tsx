/**
 * Enrolling a factor.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import type { FactorKind } from "../../../../protocol/sign_in_api.ts";
import { post } from "../api.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { hasPasskeys, makePasskey } from "../parts/passkeys.ts";
import { QrCode } from "../parts/pictures.tsx";
import { Button, CopyButton, Dialog, errorText, Loading, useAction } from "../parts/ui.tsx";
import { t } from "../language.ts";

export function AddFactor({ kind, onClose }: { kind: FactorKind; onClose: () => void }) {
  return (
    <Dialog title={t(`security.add_${kind}`)} onClose={onClose}>
      {kind === "passkey" && <AddPasskey onClose={onClose} />}
      {kind === "totp" && <AddTotp onClose={onClose} />}
      {kind === "password" && <AddPassword onClose={onClose} />}
      {kind === "recovery" && <AddCodes onClose={onClose} />}
    </Dialog>
  );
}

interface AddOptions {
  readonly onClose: () => void;
}

function AddPasskey({ onClose }: AddOptions) {
  if (!hasPasskeys()) return <p>{t("security.no_passkeys_here")}</p>;
  const add = async (name: string) => {
    const options = await post<Record<string, unknown>>("/auth/v1/factors/passkey/options", {
      name,
    });
    await post("/auth/v1/factors/passkey", { name, response: await makePasskey(options) });
    onClose();
  };
  return (
    <Naming
      text={t("security.passkey_text")}
      next={t("security.add_passkey")}
      give={add}
      done={t("security.factor_added")}
      onClose={onClose}
    />
  );
}

/** Gives a factor its name, and goes on with it. */
function Naming(
  { text, next, give, done, onClose }: {
    text: string;
    next: string;
    give: (name: string) => Promise<void>;
    done?: string;
    onClose: () => void;
  },
) {
  const [name, setName] = useState("");
  const action = useAction();
  return (
    <Form submit={() => action.run(() => give(name), done)}>
      <p>{text}</p>
      <TextField
        label={t("security.factor_name")}
        hint={t("security.factor_name_hint")}
        maxLength={64}
        required
        autocomplete="off"
        value={name}
        onChange={setName}
      />
      <div class="row end">
        <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
        <Button kind="primary" submit busy={action.busy} disabled={name.trim() === ""}>
          {next}
        </Button>
      </div>
    </Form>
  );
}

function AddTotp({ onClose }: AddOptions) {
  const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null);
  const [code, setCode] = useState("");
  const action = useAction();
  if (begun === null) {
    return (
      <Naming
        text={t("security.totp_text")}
        next={t("app.next")}
        give={async (name) => setBegun(await post("/auth/v1/factors/totp/begin", { name }))}
        onClose={onClose}
      />
    );
  }
  return (
    <Form
      submit={() => {
        action.run(async () => {
          await post("/auth/v1/factors/totp", { code: code.replace(/\s/g, "") });
          onClose();
        }, t("security.factor_added"));
      }}
    >
      <p>{t("security.totp_scan")}</p>
      <QrCode text={begun.uri} label={t("security.totp_code")} />
      <p class="copyable">
        <code>{begun.secret}</code>
      </p>
      <TextField
        label={t("factor.totp")}
        hint={t("factor.totp_hint")}
        inputMode="numeric"
        autocomplete="one-time-code"
        required
        value={code}
        onChange={setCode}
      />
      <div class="row end">
        <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
        <Button kind="primary" submit busy={action.busy}>{t("security.add_totp")}</Button>
      </div>
    </Form>
  );
}

function AddPassword({ onClose }: AddOptions) {
  const [password, setPassword] = useState("");
  const action = useAction();
  return (
    <Form
      submit={() => {
        action.run(async () => {
          await post("/auth/v1/factors/password", { password });
          onClose();
        }, t("security.factor_added"));
      }}
    >
      <TextField
        label={t("factor.password")}
        hint={t("security.password_hint")}
        type="password"
        minLength={10}
        required
        autocomplete="new-password"
        value={password}
        onChange={setPassword}
      />
      <div class="row end">
        <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
        <Button kind="primary" submit busy={action.busy}>{t("security.add_password")}</Button>
      </div>
    </Form>
  );
}

function AddCodes({ onClose }: AddOptions) {
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    post<{ codes: readonly string[] }>("/auth/v1/factors/recovery").then(
      (answer) => setCodes(answer.codes),
      (error) => setFailure(errorText(error)),
    );
  }, []);
  if (failure !== null) return <p class="failure" role="alert">{failure}</p>;
  if (codes === null) return <Loading />;
  return (
    <div class="stack">
      <p>{t("security.codes_text")}</p>
      <ol class="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div class="row end">
        <CopyButton text={codes.join("\n")} />
        <Button kind="primary" onClick={onClose}>{t("security.codes_kept")}</Button>
      </div>
    </div>
  );
}

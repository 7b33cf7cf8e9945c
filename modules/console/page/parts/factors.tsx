/**
 * Proving who somebody is: a passkey, a code, a password, a recovery code.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type {
  FactorKind,
  FactorOptionsView,
  GivenFactor,
} from "../../../../protocol/sign_in_api.ts";
import { ApiError } from "../api.ts";
import { t, type WordKey } from "../language.ts";
import { Form, TextField } from "./fields.tsx";
import { hasPasskeys, usePasskey } from "./passkeys.ts";
import { Button, errorText } from "./ui.tsx";

export interface FactorOptions extends FactorOptionsView {
  /** What the browser is asked with; `null` where none is enrolled. */
  readonly passkey: Record<string, unknown> | null;
}

/** Whether there is any to show: where nothing is enrolled yet, only a new link of the terminal counts. */
export function hasAny({ passkey, totp, password, recovery }: FactorOptions): boolean {
  return passkey !== null || totp || password || recovery;
}

type TypedKind = Exclude<FactorKind, "passkey">;

const TYPED: readonly TypedKind[] = ["totp", "password", "recovery"];

/** @param submit Rejects where the factor is wrong. */
export function FactorForm(
  { options, submit, label }: {
    options: FactorOptions;
    submit: (factor: GivenFactor) => Promise<unknown>;
    label: string;
  },
) {
  const kinds = TYPED.filter((kind) => options[kind]);
  const [kind, setKind] = useState<TypedKind>(kinds[0] ?? "totp");
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const give = async (make: () => Promise<GivenFactor>) => {
    setBusy(true);
    setFailure(null);
    try {
      await submit(await make());
    } catch (error) {
      setFailure(failureText(error));
      setText("");
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="stack">
      {options.passkey !== null && hasPasskeys() && (
        <Button
          kind="primary"
          icon="key"
          busy={busy}
          onClick={() => give(async () => ({ passkey: await usePasskey(options.passkey!) }))}
        >
          {t("factor.use_passkey")}
        </Button>
      )}
      {kinds.length > 1 && (
        <div class="segments" role="group" aria-label={t("factor.which")}>
          {kinds.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={kind === one}
              onClick={() => {
                setKind(one);
                setText("");
              }}
            >
              {t(`factor.${one}`)}
            </button>
          ))}
        </div>
      )}
      {kinds.length > 0 && (
        <Form
          submit={() => {
            if (text !== "") void give(() => Promise.resolve(typedFactor(kind, text)));
          }}
        >
          <TextField
            label={t(`factor.${kind}`)}
            hint={t(`factor.${kind}_hint` as WordKey)}
            type={kind === "password" ? "password" : "text"}
            inputMode={kind === "totp" ? "numeric" : "text"}
            autocomplete={kind === "password"
              ? "current-password"
              : kind === "totp"
              ? "one-time-code"
              : "off"}
            value={text}
            onChange={setText}
          />
          <Button kind={options.passkey === null ? "primary" : "plain"} submit busy={busy}>
            {label}
          </Button>
        </Form>
      )}
      {failure !== null && <p class="failure" role="alert">{failure}</p>}
    </div>
  );
}

function typedFactor(kind: TypedKind, text: string): GivenFactor {
  if (kind === "totp") return { totp: text.replace(/\s/g, "") };
  return kind === "password" ? { password: text } : { recovery: text.trim() };
}

function failureText(error: unknown): string {
  if (error instanceof DOMException) return t("factor.passkey_failed");
  if (error instanceof ApiError && error.code === "unauthorized") return t("factor.wrong");
  return errorText(error);
}

/**
 * A passphrase that is to hold from now on, typed twice.
 *
 * @module
 */
import { useState } from "preact/hooks";
import { toBase64Url } from "../base64url.ts";
import { t } from "../language.ts";
import { TextField } from "./fields.tsx";

const MIN_CHARACTERS = 10;

/** A passphrase as the node takes it. */
export function encodePassphrase(text: string): string {
  return toBase64Url(new TextEncoder().encode(text));
}

export interface NewPassphrase {
  readonly text: string;
  readonly again: string;
  /** Whether it is long enough, and twice the same. */
  readonly isReady: boolean;
  setText(text: string): void;
  setAgain(text: string): void;
  clear(): void;
}

export function useNewPassphrase(): NewPassphrase {
  const [text, setText] = useState("");
  const [again, setAgain] = useState("");
  const isReady = text.length >= MIN_CHARACTERS && text === again;
  const clear = () => {
    setText("");
    setAgain("");
  };
  return { text, again, isReady, setText, setAgain, clear };
}

/** @param required Whether the form is about nothing else. */
export function NewPassphraseFields(
  { of: { text, again, setText, setAgain }, label, hint, required = false }: {
    of: NewPassphrase;
    label: string;
    hint: string;
    required?: boolean;
  },
) {
  return (
    <>
      <TextField
        label={label}
        hint={hint}
        type="password"
        autocomplete="new-password"
        minLength={MIN_CHARACTERS}
        required={required}
        value={text}
        onChange={setText}
      />
      <TextField
        label={t("backup.again")}
        type="password"
        autocomplete="new-password"
        required={required}
        value={again}
        onChange={setAgain}
      />
      {again !== "" && text !== again && <p class="failure" role="alert">{t("backup.differs")}</p>}
    </>
  );
}

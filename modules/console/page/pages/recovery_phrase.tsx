/**
 * The recovery phrase of this node: shown once, and asked back for three words.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { NewPhraseView } from "../../../../protocol/recovery_phrase_api.ts";
import { codeOf, post } from "../api.ts";
import { ownClaims } from "../own_claims.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { Button, errorText, Loading, notify, useAction } from "../parts/ui.tsx";
import { identity, status } from "../store.ts";
import { t } from "../language.ts";

export function RecoveryPhrase() {
  const own = identity.want();
  const [shown, setShown] = useState<NewPhraseView | null>(null);
  const [isAsking, setAsking] = useState(false);
  const action = useAction();
  if (own === null) return <Loading of={identity} />;
  if (ownClaims(own).hasPhrase) return <p>{t("phrase.is_there")}</p>;
  if (shown === null) {
    const make = async () => {
      setShown(await post<NewPhraseView>("/admin/v1/recovery-phrase"));
      setAsking(false);
    };
    return (
      <div class="stack">
        <p>{t("phrase.text")}</p>
        <p class="muted">{t("phrase.before")}</p>
        <div class="row">
          <Button kind="primary" busy={action.busy} onClick={() => action.run(make)}>
            {t("phrase.make")}
          </Button>
        </div>
      </div>
    );
  }
  return isAsking
    ? <AskBack shown={shown} onBack={() => setAsking(false)} onOver={() => setShown(null)} />
    : <Words words={shown.words} onWritten={() => setAsking(true)} />;
}

/** The words of a phrase that is shown once. */
export function Words({ words, onWritten }: { words: readonly string[]; onWritten: () => void }) {
  return (
    <div class="stack">
      <p>{t("phrase.write")}</p>
      <ol class="codes phrase" translate={false} lang="en">
        {words.map((word, at) => (
          <li key={at}>
            <span class="muted" aria-hidden="true">{at + 1}</span> <code>{word}</code>
          </li>
        ))}
      </ol>
      <div class="row">
        <Button kind="primary" onClick={onWritten}>{t("phrase.written")}</Button>
      </div>
    </div>
  );
}

function AskBack(
  { shown, onBack, onOver }: { shown: NewPhraseView; onBack: () => void; onOver: () => void },
) {
  const [words, setWords] = useState<readonly string[]>(shown.asked.map(() => ""));
  const [failure, setFailure] = useState<string | null>(null);
  const action = useAction();
  const keep = async () => {
    setFailure(null);
    try {
      await post("/admin/v1/recovery-phrase/keep", { words });
    } catch (error) {
      const code = codeOf(error);
      if (code === "not_found") return over();
      setFailure(code === "bad_request" ? t("phrase.wrong") : errorText(error));
      return;
    }
    await Promise.all([identity.load(), status.load()]);
    notify(t("phrase.kept"));
  };
  const over = () => {
    onOver();
    notify(t("phrase.over"), "warn");
  };
  return (
    <Form autocomplete="off" submit={() => action.run(keep)}>
      <p>{t("phrase.ask")}</p>
      <AskedWords asked={shown.asked} words={words} onChange={setWords} />
      {failure !== null && <p class="failure" role="alert">{failure}</p>}
      <div class="row">
        <Button kind="primary" submit busy={action.busy}>{t("phrase.check")}</Button>
        <Button kind="quiet" onClick={onBack}>{t("phrase.again")}</Button>
      </div>
    </Form>
  );
}

/** Asks for some of them. */
export function AskedWords(
  { asked, words, onChange }: {
    asked: readonly number[];
    words: readonly string[];
    onChange: (words: readonly string[]) => void;
  },
) {
  return (
    <>
      {asked.map((place, at) => (
        <TextField
          key={place}
          label={t("phrase.word", { place })}
          required
          maxLength={32}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={words[at]!}
          onChange={(word) => onChange(words.with(at, word))}
        />
      ))}
    </>
  );
}

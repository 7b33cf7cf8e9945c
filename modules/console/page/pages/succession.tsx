/**
 * A new identity for this node, from its recovery phrase: what it means, the phrase, the new one, and then the wait.
 *
 * @module
 */
import { useState } from "preact/hooks";
import { MAX_PHRASE_LENGTH, PHRASE_WORDS } from "../../../../protocol/phrase_limits.ts";
import type { NewSuccessionView, SuccessionView } from "../../../../protocol/succession_api.ts";
import { ApiError, codeOf, post } from "../api.ts";
import { shown } from "../format.ts";
import { Form, TextArea, TextField } from "../parts/fields.tsx";
import { encodePassphrase } from "../parts/new_passphrase.tsx";
import { Button, Dialog, errorText, FormEnd, notify, useAction } from "../parts/ui.tsx";
import { plainName } from "../parts/who.tsx";
import { passphrase, peers, status } from "../store.ts";
import { t, tx } from "../language.ts";
import { becoming } from "./becoming.tsx";
import { AskedWords, Words } from "./recovery_phrase.tsx";

/** How many of those who are not here are named. */
const MAX_NAMED = 8;

/** The button, and the window behind it. */
export function Succession() {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="stack">
      <p class="muted">{t("succession.text")}</p>
      <div class="row">
        <Button onClick={() => setOpen(true)}>{t("succession.open")}</Button>
      </div>
      {isOpen && <Steps onClose={() => setOpen(false)} />}
    </div>
  );
}

function Steps({ onClose }: { onClose: () => void }) {
  const [phrase, setPhrase] = useState("");
  const [shown, setShown] = useState<NewSuccessionView | null>(null);
  const [isWritten, setWritten] = useState(false);
  return (
    <Dialog title={t("succession.title")} onClose={onClose}>
      {shown === null
        ? <Phrase value={phrase} onChange={setPhrase} onShown={setShown} onClose={onClose} />
        : isWritten
        ? (
          <Last
            phrase={phrase}
            shown={shown}
            onBack={() => setWritten(false)}
            onOver={() => {
              setShown(null);
              setWritten(false);
            }}
          />
        )
        : (
          <>
            <p>{t("succession.new_phrase")}</p>
            <Words words={shown.words} onWritten={() => setWritten(true)} />
          </>
        )}
    </Dialog>
  );
}

/** What will happen, and the phrase that makes it. It is seen: who copies 24 words has to see them. */
function Phrase(
  { value, onChange, onShown, onClose }: {
    value: string;
    onChange: (phrase: string) => void;
    onShown: (shown: NewSuccessionView) => void;
    onClose: () => void;
  },
) {
  const [failure, setFailure] = useState<string | null>(null);
  const action = useAction();
  const begin = async () => {
    setFailure(null);
    try {
      onShown(await post<NewSuccessionView>("/admin/v1/succession", { phrase: value }));
    } catch (error) {
      if (error instanceof ApiError && error.code === "not_confirmed") throw error;
      setFailure(phraseFailure(error, value));
    }
  };
  return (
    <Form autocomplete="off" submit={() => action.run(begin)}>
      <ul class="points">
        <li>{t("succession.told")}</li>
        <li>{t("succession.stays")}</li>
        <li>{t("succession.goes")}</li>
        <li>{t("succession.spent")}</li>
      </ul>
      <Absent />
      <TextArea
        label={t("succession.phrase")}
        hint={t("succession.phrase_hint")}
        required
        rows={4}
        maxLength={MAX_PHRASE_LENGTH}
        autocapitalize="none"
        value={value}
        onChange={onChange}
      />
      <FormEnd failure={failure} label={t("succession.next")} busy={action.busy} onBack={onClose} />
    </Form>
  );
}

/** Who is not here now, and may not have heard of a phrase that is young: they would not follow. */
function Absent() {
  const now = status.want();
  const known = peers.want()?.peers ?? [];
  if (now === null) return null;
  const names = [
    ...now.directories.filter(({ state }) => state !== "registered").map(({ url }) => shown(url)),
    ...known.filter((one) => one.known && one.blocked_since === null && one.sessions === 0)
      .map((one) => shown(plainName(one.node_id, one.petname))),
  ];
  if (names.length === 0) return null;
  const more = names.length - MAX_NAMED;
  const last = more > 0 ? [t("succession.and_more", { count: more })] : [];
  const who = <bdi>{[...names.slice(0, MAX_NAMED), ...last].join(", ")}</bdi>;
  return <p class="banner">{tx("succession.young", { who })}</p>;
}

function phraseFailure(error: unknown, phrase: string): string {
  if (!(error instanceof ApiError)) return errorText(error);
  if (error.code === "forbidden") return t("succession.other_phrase");
  if (error.code !== "bad_request") return errorText(error);
  const { word } = error.members;
  if (typeof word === "number") return t("succession.unknown_word", { place: word });
  const count = phrase.match(/\p{L}+/gu)?.length ?? 0;
  return count === PHRASE_WORDS ? t("succession.mistyped") : t("succession.count", { count });
}

/** Words of the new phrase, the passphrase of the keys where they have one, and no way back after it. */
function Last(
  { phrase, shown, onBack, onOver }: {
    phrase: string;
    shown: NewSuccessionView;
    onBack: () => void;
    onOver: () => void;
  },
) {
  const [words, setWords] = useState<readonly string[]>(shown.asked.map(() => ""));
  const [given, setGiven] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const isSealed = passphrase.want()?.is_set ?? false;
  const action = useAction();
  const make = async () => {
    setFailure(null);
    try {
      const made = await post<SuccessionView>("/admin/v1/succession/make", {
        phrase,
        words,
        passphrase: isSealed ? encodePassphrase(given) : null,
      });
      becoming.value = { ...made, by: "succession" };
    } catch (error) {
      const code = codeOf(error);
      if (code === "not_found") {
        onOver();
        return notify(t("phrase.over"), "bad");
      }
      if (code === "bad_request") setFailure(t("phrase.wrong"));
      else setFailure(code === "forbidden" ? t("passphrase.wrong") : errorText(error));
    }
  };
  return (
    <Form autocomplete="off" submit={() => action.run(make)}>
      <p>{t("succession.ask")}</p>
      <AskedWords asked={shown.asked} words={words} onChange={setWords} />
      {isSealed && (
        <TextField
          label={t("passphrase.current")}
          type="password"
          autocomplete="current-password"
          required
          value={given}
          onChange={setGiven}
        />
      )}
      <FormEnd
        failure={failure}
        label={t("succession.make")}
        kind="danger"
        busy={action.busy}
        back={t("phrase.again")}
        onBack={onBack}
      >
        <p class="muted" role="status">{action.busy ? t("succession.making") : ""}</p>
      </FormEnd>
    </Form>
  );
}

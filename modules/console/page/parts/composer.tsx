/**
 * Where messages are written.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { DraftView, HistoryMessage } from "../../../../protocol/messaging_api.ts";
import { ApiError, get, post, put } from "../api.ts";
import type { Conversation } from "../conversation.ts";
import { conversations } from "../store.ts";
import { t, tn, tx } from "../language.ts";
import { Form } from "./fields.tsx";
import { dropFiles } from "./file_tray.tsx";
import { Icon } from "./icons.tsx";
import { Button, Other, useAction } from "./ui.tsx";
import { Name } from "./who.tsx";

export type Writing =
  | { readonly kind: "new" }
  | { readonly kind: "reply"; readonly to: HistoryMessage }
  | { readonly kind: "edit"; readonly of: HistoryMessage };

const DRAFT_AFTER_MS = 1_000;
const TYPING_EVERY_MS = 4_000;
const MAX_HEIGHT_PX = 180;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LIVES = [HOUR_MS, DAY_MS, 7 * DAY_MS] as const;

export function Composer(
  { conversation, writing, onDone, canAttach }: {
    conversation: Conversation;
    writing: Writing;
    onDone: () => void;
    canAttach: boolean;
  },
) {
  const { peer } = conversation;
  const [text, setText] = useState("");
  const [lifeMs, setLifeMs] = useState<number | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const action = useAction();
  const draft = useDraft(peer, setText);
  const typedAt = useRef(0);
  useEffect(() => {
    if (writing.kind === "edit") setText(writing.of.text);
    if (writing.kind !== "new") area.current?.focus();
  }, [writing]);
  useEffect(() => {
    const element = area.current!;
    element.style.height = "auto";
    element.style.height = `${Math.min(MAX_HEIGHT_PX, element.scrollHeight)}px`;
  }, [text]);
  const type = (next: string) => {
    setText(next);
    if (writing.kind !== "edit") draft.keep(next);
    if (next === "" || Date.now() - typedAt.current < TYPING_EVERY_MS) return;
    typedAt.current = Date.now();
    post("/m/messaging/typing", { peer }).catch(() => undefined);
  };
  const send = () => {
    if (text.trim() === "" || action.busy) return;
    action.run(async () => {
      await post("/m/messaging/messages", {
        peer,
        text,
        ...(writing.kind === "reply" ? { reply_to: writing.to.id } : {}),
        ...(writing.kind === "edit" ? { edits: writing.of.id } : {}),
        ...(lifeMs !== null && writing.kind !== "edit" ? { expires_ms: lifeMs } : {}),
      });
      setText("");
      if (writing.kind !== "edit") draft.drop();
      onDone();
      conversation.refresh();
      conversations.refresh();
      area.current?.focus();
    });
  };
  return (
    <Form class="composer" submit={send}>
      {writing.kind !== "new" && (
        <Banner
          writing={writing}
          onClose={() => {
            if (writing.kind === "edit") setText("");
            onDone();
          }}
        />
      )}
      <div class="composer-row">
        {canAttach && (
          <>
            <input
              ref={file}
              type="file"
              multiple
              class="unseen"
              tabIndex={-1}
              aria-label={t("files.choose")}
              onChange={(event) => {
                void dropFiles(peer, [...event.currentTarget.files ?? []]);
                event.currentTarget.value = "";
              }}
            />
            <Button
              kind="quiet"
              icon="clip"
              label={t("files.choose")}
              onClick={() => file.current?.click()}
            />
          </>
        )}
        <textarea
          ref={area}
          rows={1}
          value={text}
          placeholder={t("chat.write")}
          aria-label={t("chat.write")}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && writing.kind !== "new") onDone();
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <label class={lifeMs === null ? "life" : "life on"}>
          <Icon name="clock" />
          <span class="unseen">{t("chat.life")}</span>
          <select
            value={String(lifeMs)}
            disabled={writing.kind === "edit"}
            onChange={({ currentTarget }) =>
              setLifeMs(currentTarget.value === "null" ? null : Number(currentTarget.value))}
          >
            <option value="null">{t("chat.life_none")}</option>
            {LIVES.map((life) => (
              <option key={life} value={String(life)}>
                {life < DAY_MS ? tn("time.hours", life / HOUR_MS) : tn("time.days", life / DAY_MS)}
              </option>
            ))}
          </select>
        </label>
        <Button
          kind="primary"
          icon="send"
          submit
          label={writing.kind === "edit" ? t("app.save") : t("chat.send")}
          busy={action.busy}
          disabled={text.trim() === ""}
        />
      </div>
    </Form>
  );
}

function Banner(
  { writing, onClose }: { writing: Exclude<Writing, { kind: "new" }>; onClose: () => void },
) {
  const of = writing.kind === "reply" ? writing.to : writing.of;
  return (
    <div class="composer-banner">
      <Icon name={writing.kind === "reply" ? "reply" : "edit"} size={16} />
      <span class="grow clamp-one">
        {writing.kind === "reply"
          ? tx("chat.replying", { name: <Name id={of.from} /> })
          : t("chat.editing")}{" "}
        <span class="muted">
          <Other text={of.text.slice(0, 120)} />
        </span>
      </span>
      <Button kind="quiet" icon="cross" label={t("app.cancel")} onClick={onClose} />
    </div>
  );
}

/** What is being written is kept at the node, sealed, and is there again in any window. */
function useDraft(peer: string, begin: (text: string) => void) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef<string | null>(null);
  const save = () => {
    clearTimeout(timer.current);
    if (latest.current === null) return;
    const text = latest.current;
    latest.current = null;
    put("/m/messaging/draft", { peer, text }).then(
      () => conversations.refresh(),
      (error) => {
        if (!(error instanceof ApiError)) throw error;
      },
    );
  };
  useEffect(() => {
    let isShown = true;
    get<DraftView>("/m/messaging/draft", { peer }).then(
      ({ text }) => isShown && text !== "" && latest.current === null && begin(text),
      () => undefined,
    );
    return () => {
      isShown = false;
      save();
    };
  }, [peer]);
  return {
    keep(text: string) {
      latest.current = text;
      clearTimeout(timer.current);
      timer.current = setTimeout(save, DRAFT_AFTER_MS);
    },
    drop() {
      latest.current = "";
      save();
    },
  };
}

/**
 * The pieces that all pages are made of.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { codeText } from "../codes.ts";
import { shown } from "../format.ts";
import { language, t } from "../language.ts";
import { Icon, type IconName } from "./icons.tsx";

/** Text that somebody else wrote: it cannot turn what stands around it, and hides nothing. */
export function Other({ text }: { text: string }) {
  return <bdi>{shown(text)}</bdi>;
}

type ButtonKind = "primary" | "plain" | "quiet" | "danger";

interface ButtonOptions {
  readonly kind?: ButtonKind;
  readonly icon?: IconName;
  /** What it is called where only its pictogram is seen. */
  readonly label?: string;
  readonly disabled?: boolean;
  readonly busy?: boolean;
  readonly submit?: boolean;
  readonly pressed?: boolean;
  readonly onClick?: (event: MouseEvent) => void;
  readonly children?: ComponentChildren;
}

/** One that cannot be pressed now keeps the focus all the same: it may be what was just pressed. */
export function Button(
  { kind = "plain", icon, label, disabled, busy, submit, pressed, onClick, children }:
    ButtonOptions,
) {
  const isOff = disabled === true || busy === true;
  const off = (event: MouseEvent) => event.preventDefault();
  const press = isOff ? off : onClick;
  return (
    <button
      type={submit ? "submit" : "button"}
      class={`button ${kind}${children === undefined ? " bare" : ""}`}
      aria-disabled={isOff}
      aria-busy={busy}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      {...(label === undefined ? {} : { "aria-label": label, title: label })}
      {...(press === undefined ? {} : { onClick: press })}
    >
      {icon !== undefined && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

export function LinkButton(
  { href, icon, kind = "plain", children }: {
    href: string;
    icon?: IconName;
    kind?: ButtonKind;
    children: ComponentChildren;
  },
) {
  return (
    <a class={`button ${kind}`} href={href}>
      {icon !== undefined && <Icon name={icon} size={18} />}
      {children}
    </a>
  );
}

/** The heading of a page, which gets the focus when the page is opened. */
export function Page(
  { title, lead, actions, wide, children }: {
    title: ComponentChildren;
    lead?: ComponentChildren;
    actions?: ComponentChildren;
    wide?: boolean;
    children: ComponentChildren;
  },
) {
  return (
    <div class={wide ? "page wide" : "page"}>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Card(
  { title, actions, tone, children }: {
    title?: ComponentChildren;
    actions?: ComponentChildren;
    tone?: "warn" | "calm";
    children: ComponentChildren;
  },
) {
  return (
    <section class={tone === undefined ? "card" : `card ${tone}`}>
      {(title !== undefined || actions !== undefined) && (
        <div class="card-head">
          {title !== undefined && <h2>{title}</h2>}
          {actions !== undefined && <div class="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function Empty(
  { icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren },
) {
  return (
    <div class="empty">
      <Icon name={icon} size={36} />
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export type Tone = "good" | "warn" | "bad" | "calm";

export function Badge({ tone = "calm", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** What is waited for. @param of What it comes from, so that a refusal of that is said. */
export function Loading({ of }: { of?: { readonly error: Signal<ApiError | null> } }) {
  const error = of?.error.value ?? null;
  // That nothing answers is said above the page.
  if (error !== null && error.code !== "offline") {
    return <p class="failure" role="alert">{errorText(error)}</p>;
  }
  return <p class="muted loading" role="status">{t("app.loading")}</p>;
}

/** A name and what it stands for, of a list of facts. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A table, which scrolls by itself where it is too wide. @param children Its rows. */
export function Table(
  { label, heads, children }: {
    label: string;
    heads: readonly ComponentChildren[];
    children: ComponentChildren;
  },
) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>{heads.map((head, at) => <th key={at} scope="col">{head}</th>)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** How far something has come. */
export function Progress({ done, of, label }: { done: number; of: number; label: string }) {
  return <progress class="progress" max={Math.max(1, of)} value={done} aria-label={label} />;
}

/** The windows above the page, the uppermost one last. */
const windows = signal<readonly string[]>([]);

/** A window above the page, which keeps the focus until it is closed. */
export function Dialog(
  { title, onClose, children }: {
    title: ComponentChildren;
    onClose: () => void;
    children: ComponentChildren;
  },
) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement;
    dialog.showModal();
    windows.value = [...windows.value, id];
    return () => {
      windows.value = windows.value.filter((one) => one !== id);
      dialog.close();
      // The window is taken out of the page before the browser gives the focus back.
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
    >
      <div class="dialog-body">
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          <Button kind="quiet" icon="cross" label={t("app.close")} onClick={onClose} />
        </div>
        {children}
      </div>
      <Notices above={id} />
    </dialog>
  );
}

interface Notice {
  readonly text: string;
  readonly tone: Tone;
}

const notice = signal<Notice | null>(null);
const NOTICE_MS = 6_000;
let noticeTimer: ReturnType<typeof setTimeout> | undefined;

/** Says something for a moment. */
export function notify(text: string, tone: Tone = "good"): void {
  clearTimeout(noticeTimer);
  notice.value = { text, tone };
  noticeTimer = setTimeout(() => notice.value = null, NOTICE_MS);
}

/** Where that is seen and can be closed. @param above The window that it lies in; none: the page. */
export function Notices({ above }: { above?: string }) {
  return (
    <div class="notices" role="status">
      {notice.value !== null && windows.value.at(-1) === above && (
        <div class={`notice ${notice.value.tone}`}>
          <span>{notice.value.text}</span>
          <Button
            kind="quiet"
            icon="cross"
            label={t("app.close")}
            onClick={() =>
              notice.value = null}
          />
        </div>
      )}
    </div>
  );
}

/** A failure in the reader's language, as far as there are words for it. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.internal");
  if (error.code !== "bad_request") return codeText(error.code);
  return t("error.bad_request", { text: shown(error.message) });
}

/** What the node says in its own words, which are English: under a lid for whoever reads another language. */
export function NodeWords({ text }: { text: string }) {
  const words = (
    <span lang="en">
      <Other text={text} />
    </span>
  );
  if (language.value === "en") return words;
  return (
    <details class="node-words">
      <summary>{t("app.node_words")}</summary>
      {words}
    </details>
  );
}

/** The end of a form in a window: why it did not go on, and both ways from here. */
export function FormEnd(
  { failure, label, kind = "primary", busy, disabled = false, back, onBack, children }: {
    failure: string | null;
    label: string;
    kind?: "primary" | "danger";
    busy: boolean;
    disabled?: boolean;
    /** The way that changes nothing. */
    back?: string;
    onBack: () => void;
    children?: ComponentChildren;
  },
) {
  return (
    <>
      {failure !== null && <p class="failure" role="alert">{failure}</p>}
      {children}
      <div class="row end">
        <Button kind="quiet" onClick={onBack}>{back ?? t("app.cancel")}</Button>
        <Button kind={kind} submit disabled={disabled} busy={busy}>{label}</Button>
      </div>
    </>
  );
}

/** Runs what a button begins, once at a time: shows that it does, and what came of it. */
export function useAction(): {
  readonly busy: boolean;
  run(work: () => Promise<unknown>, done?: string): void;
} {
  const [busy, setBusy] = useState(false);
  const isRunning = useRef(false);
  return {
    busy,
    run(work, done) {
      if (isRunning.current) return;
      isRunning.current = true;
      setBusy(true);
      work().then(
        () => done !== undefined && notify(done),
        (error) => {
          if (!(error instanceof ApiError && error.code === "not_confirmed")) {
            notify(errorText(error), "bad");
          }
        },
      ).finally(() => {
        isRunning.current = false;
        setBusy(false);
      });
    },
  };
}

/** Copies a text, and says so. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const action = useAction();
  return (
    <Button
      icon="copy"
      onClick={() => action.run(() => navigator.clipboard.writeText(text), t("app.copied"))}
    >
      {label ?? t("app.copy")}
    </Button>
  );
}

/** Asks before something that cannot be taken back. */
export function ConfirmDialog(
  { title, confirm, danger, onConfirm, onClose, children }: {
    title: ComponentChildren;
    confirm: string;
    danger?: boolean;
    onConfirm: () => Promise<unknown>;
    onClose: () => void;
    children: ComponentChildren;
  },
) {
  const action = useAction();
  const confirmed = async () => {
    await onConfirm();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="row end">
        <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
        <Button
          kind={danger ? "danger" : "primary"}
          busy={action.busy}
          onClick={() => action.run(confirmed)}
        >
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}

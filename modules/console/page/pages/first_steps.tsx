/**
 * What makes a new node one's own: shown at home until it is done, or put away.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { Icon } from "../parts/icons.tsx";
import { Button, Card, LinkButton } from "../parts/ui.tsx";
import { placeLink } from "../router.ts";
import { isOwner, session } from "../session.ts";
import { ownClaims } from "../own_claims.ts";
import { identity, peers } from "../store.ts";
import { t } from "../language.ts";

const HIDDEN_KEY = "openred_steps";
const BACKUP_KEY = "openred_backup_made";
const isHidden = signal(localStorage.getItem(HIDDEN_KEY) !== null);

/** Notes that a copy was made from this browser. */
export function noteBackup(): void {
  localStorage.setItem(BACKUP_KEY, "1");
}

function steps() {
  const factors = session.value?.factors;
  const hasFactor = factors !== undefined &&
    (factors.passkey > 0 || factors.totp || factors.password);
  const own = identity.want();
  const hasPhrase = own !== null && ownClaims(own).hasPhrase;
  const knowsSomebody = peers.want()?.peers.some(({ known }) => known) ?? false;
  return [
    { name: "factor", page: "security", item: "", isDone: hasFactor },
    { name: "phrase", page: "guide", item: "phrase", isDone: hasPhrase },
    { name: "friend", page: "guide", item: "friend", isDone: knowsSomebody },
    {
      name: "backup",
      page: "security",
      item: "",
      isDone: localStorage.getItem(BACKUP_KEY) !== null,
    },
  ] as const;
}

export function FirstSteps() {
  if (isHidden.value || !isOwner()) return null;
  const list = steps();
  if (list.every(({ isDone }) => isDone)) return null;
  return (
    <Card
      title={t("steps.title")}
      tone="calm"
      actions={
        <>
          <LinkButton kind="primary" href={placeLink("guide")}>{t("steps.begin")}</LinkButton>
          <Button
            kind="quiet"
            onClick={() => {
              localStorage.setItem(HIDDEN_KEY, "1");
              isHidden.value = true;
            }}
          >
            {t("steps.hide")}
          </Button>
        </>
      }
    >
      <p class="muted">{t("steps.text")}</p>
      <ol class="steps">
        {list.map(({ name, page, item, isDone }, at) => (
          <li key={name} class={isDone ? "step done" : "step"}>
            <a href={placeLink(page, item)}>
              <span class="step-sign" aria-hidden="true">
                {isDone ? <Icon name="check" size={18} /> : at + 1}
              </span>
              <span class="two-lines">
                <strong>
                  {t(`steps.${name}`)}
                  {isDone && <span class="unseen">{t("steps.done")}</span>}
                </strong>
                <small class="muted">{t(`steps.${name}_text`)}</small>
              </span>
            </a>
          </li>
        ))}
      </ol>
    </Card>
  );
}

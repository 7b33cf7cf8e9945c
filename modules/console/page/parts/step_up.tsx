/**
 * Asks for a factor right before something that deserves one.
 *
 * @module
 */
import { effect, signal } from "@preact/signals";
import { type FactorAsk, post, setAskFactor } from "../api.ts";
import { linksTaken, session } from "../session.ts";
import { t } from "../language.ts";
import { FactorForm, type FactorOptions, hasAny } from "./factors.tsx";
import { Button, Dialog } from "./ui.tsx";

interface Asked {
  readonly what: FactorAsk;
  readonly options: FactorOptions;
  readonly end: (given: boolean) => void;
}

const asked = signal<Asked | null>(null);

setAskFactor(async (what) => {
  const options = await post<FactorOptions>("/auth/v1/step-up/options", {
    action: what.action,
  });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  asked.value?.end(false);
  asked.value = {
    what,
    options,
    end: (given) => {
      asked.value = null;
      resolve(given);
    },
  };
  return await promise;
});

// Whoever has opened the console once more may do now what was asked before, and presses for it again.
effect(() => {
  if (linksTaken.value > 0) asked.peek()?.end(false);
});

export function StepUp() {
  if (asked.value === null) return null;
  const { what, options, end } = asked.value;
  return (
    <Dialog title={t("step_up.title")} onClose={() => end(false)}>
      <p>{t(hasAny(options) ? "step_up.text" : "step_up.none")}</p>
      {!hasAny(options) && <pre class="command" tabIndex={0}><code>openred-node open</code></pre>}
      <FactorForm
        options={options}
        label={t("step_up.confirm")}
        submit={async (factor) => {
          const answer = await post<{ stepped_up_until: number }>("/auth/v1/step-up", {
            factor,
            ...what,
          });
          if (session.value !== null) {
            session.value = { ...session.value, stepped_up_until: answer.stepped_up_until };
          }
          end(true);
        }}
      />
      <div class="row end">
        <Button kind="quiet" onClick={() => end(false)}>{t("app.cancel")}</Button>
      </div>
    </Dialog>
  );
}

/**
 * Forms, and the fields that they are made of.
 *
 * @module
 */
import type { ComponentChildren, FormHTMLAttributes, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";
import { tn } from "../language.ts";

/** @param submit What is done instead of what browsers do. */
export function Form(
  { submit, children, ...attributes }: FormHTMLAttributes & {
    submit: () => void;
    children: ComponentChildren;
  },
) {
  return (
    <form
      class="stack"
      {...attributes}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {children}
    </form>
  );
}

interface FieldOptions {
  readonly label: string;
  readonly hint?: ComponentChildren;
}

/** A line of a form: what it asks for, and a hint. */
export function Field(
  { label, hint, children }: FieldOptions & {
    children: (ids: { id: string; "aria-describedby"?: string }) => ComponentChildren;
  },
) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(hint === undefined ? { id } : { id, "aria-describedby": `${id}-hint` })}
      {hint !== undefined && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

type TextAttributes = Pick<
  InputHTMLAttributes,
  | "autocapitalize"
  | "autocomplete"
  | "disabled"
  | "inputMode"
  | "maxLength"
  | "minLength"
  | "placeholder"
  | "required"
  | "spellcheck"
>;

/** One line of text. */
export function TextField(
  { label, hint, type = "text", value, onChange, ...attributes }:
    & FieldOptions
    & TextAttributes
    & {
      type?: "text" | "password" | "number";
      value: string;
      onChange: (text: string) => void;
    },
) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <input
          {...ids}
          {...attributes}
          type={type as "text"}
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** Several lines of text, for no checker of spelling and no store of the browser. */
export function TextArea(
  { label, hint, rows, value, onChange, ...attributes }:
    & FieldOptions
    & Pick<TextAttributes, "autocapitalize" | "maxLength" | "required">
    & {
      rows: number;
      value: string;
      onChange: (text: string) => void;
    },
) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <textarea
          {...ids}
          {...attributes}
          rows={rows}
          spellcheck={false}
          autocomplete="off"
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** A whole number from one on. */
export function CountField(
  { label, most, value, onChange }: {
    label: string;
    most: number;
    value: number;
    onChange: (count: number) => void;
  },
) {
  return (
    <Field label={label}>
      {(ids) => (
        <input
          {...ids}
          type="number"
          min={1}
          max={most}
          value={value}
          onInput={({ currentTarget }) =>
            onChange(Math.max(1, Math.min(most, currentTarget.valueAsNumber || 1)))}
        />
      )}
    </Field>
  );
}

/** @param children The options. */
export function SelectField(
  { label, required, value, onChange, children }: {
    label: string;
    required?: boolean;
    value: string;
    onChange: (value: string) => void;
    children: ComponentChildren;
  },
) {
  return (
    <Field label={label}>
      {(ids) => (
        <select
          {...ids}
          required={required}
          value={value}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {children}
        </select>
      )}
    </Field>
  );
}

const DAY_MS = 86_400_000;
const LIVES_DAYS = [1, 7, 30] as const;
/** What is chosen where nobody has chosen. */
export const USUAL_LIFE_MS = 7 * DAY_MS;

/** How long something is valid. */
export function LifeField(
  { label, value, onChange }: {
    label: string;
    value: number;
    onChange: (lifeMs: number) => void;
  },
) {
  return (
    <SelectField
      label={label}
      value={String(value)}
      onChange={(life) => onChange(Number(life))}
    >
      {LIVES_DAYS.map((days) => (
        <option key={days} value={String(days * DAY_MS)}>{tn("time.days", days)}</option>
      ))}
    </SelectField>
  );
}

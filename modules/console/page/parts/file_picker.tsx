/**
 * Choosing files, or dropping them.
 *
 * @module
 */
import { useRef, useState } from "preact/hooks";
import { formatBytes, shown } from "../format.ts";
import { t } from "../language.ts";
import { Button } from "./ui.tsx";

/** Several files, one added to the other. */
export function FilePicker(
  { files, onChange }: { files: readonly File[]; onChange: (files: File[]) => void },
) {
  return (
    <Picker
      files={files}
      hint={t("files.drop_or_choose")}
      label={t("files.choose")}
      multiple
      onChosen={(more) => onChange([...files, ...more])}
    />
  );
}

/** One file, in the place of the one before. */
export function OneFilePicker(
  { file, hint, label, onChange }: {
    file: File | null;
    hint: string;
    label: string;
    onChange: (file: File | null) => void;
  },
) {
  return (
    <Picker
      files={file === null ? [] : [file]}
      hint={hint}
      label={label}
      onChosen={([chosen]) => chosen !== undefined && onChange(chosen)}
    />
  );
}

function Picker(
  { files, hint, label, multiple = false, onChosen }: {
    files: readonly File[];
    hint: string;
    label: string;
    multiple?: boolean;
    onChosen: (files: readonly File[]) => void;
  },
) {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div
      class={isOver ? "drop-zone over" : "drop-zone"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onChosen([...event.dataTransfer?.files ?? []]);
      }}
    >
      <input
        ref={input}
        type="file"
        multiple={multiple}
        class="unseen"
        tabIndex={-1}
        aria-label={label}
        onChange={({ currentTarget }) => onChosen([...currentTarget.files ?? []])}
      />
      {files.length === 0 ? <p class="muted">{hint}</p> : (
        <ul class="chosen">
          {files.map((file, at) => (
            <li key={at}>
              <bdi>{shown(file.name)}</bdi> <small class="muted">{formatBytes(file.size)}</small>
            </li>
          ))}
        </ul>
      )}
      <Button icon="plus" onClick={() => input.current?.click()}>{label}</Button>
    </div>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { SoundstageError } from '@soundstage/core/errors';
import type { Editing } from './editing.js';
import { Problems } from './problems.js';
import { openSheet } from './sheet-files.js';

interface SheetDropProps {
  editing: Editing;
  children: ComponentChildren;
}

/** Takes a cue sheet that is dropped anywhere on the editor, or opened in it, and says which of its lines are wrong. */
export function SheetDrop({ editing, children }: SheetDropProps) {
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<SoundstageError>();
  const root = useRef<HTMLDivElement>(null);

  const take = (file: File) => {
    setProblem(undefined);
    openSheet(file, editing).catch((error: unknown) => setProblem(SoundstageError.from(error)));
  };
  useEffect(() => {
    const onSheet = (event: Event) => take((event as CustomEvent<File>).detail);
    const element = root.current!;
    element.addEventListener('sheet', onSheet);
    return () => element.removeEventListener('sheet', onSheet);
  });

  return (
    <div
      class={`sheet-drop ${over ? 'is-over' : ''}`}
      ref={root}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const [file] = event.dataTransfer?.files ?? [];
        if (file) take(file);
      }}
    >
      {children}
      {problem && <Problems message={problem.message} violations={problem.violations} />}
    </div>
  );
}

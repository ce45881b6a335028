import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { SoundClassJson } from './api.js';

interface SoundPickerProps {
  palette: readonly SoundClassJson[];
  /** Which classes may be chosen. */
  kinds: readonly SoundClassJson['kind'][];
  /** Empty where several differ. */
  value: string;
  /** Which recording of it; empty: the seed chooses. */
  sound: string;
  onChoose(classId: string): void;
  onSound(sound: string | undefined): void;
}

const MOST_SHOWN = 80;

/** A class with search, the palette by its groups; and under it which of its recordings. */
export function SoundPicker({ palette, kinds, value, sound, onChoose, onSound }: SoundPickerProps) {
  const id = useId();
  const [query, setQuery] = useState<string>();
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const open = query !== undefined;
  const found = useMemo(() => matching(palette, kinds, query ?? ''), [palette, kinds.join(), query]);
  const groups = useMemo(() => [...new Set(found.map(({ group }) => group))], [found]);
  const current = palette.find((each) => each.id === value);

  useEffect(() => {
    if (!open) return;
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [active, open]);

  const close = () => setQuery(undefined);
  const choose = (index: number) => {
    const chosen = found[index];
    close();
    if (chosen) onChoose(chosen.id);
  };
  const show = (text: string) => {
    setQuery(text);
    setActive(Math.max(0, text === '' ? matching(palette, kinds, '').findIndex((each) => each.id === value) : 0));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      if (!open) show('');
      else setActive((at) => Math.min(Math.max(at + move, 0), found.length - 1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (open) choose(active);
      else show('');
    } else if (event.key === 'Escape' && open) {
      event.stopPropagation();
      close();
    }
  };

  return (
    <div class="sound-picker">
      <div class="field">
        <label for={`${id}-field`}>Sound</label>
        <div class="combobox">
          <input
            ref={field}
            id={`${id}-field`}
            type="text"
            role="combobox"
            autocomplete="off"
            spellcheck={false}
            aria-expanded={open}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={open && found[active] ? `${id}-${found[active].id}` : undefined}
            placeholder={value === '' ? 'several' : 'Search the sounds'}
            value={query ?? value}
            onFocus={(event) => event.currentTarget.select()}
            onClick={() => open || show('')}
            onInput={(event) => show(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            onBlur={close}
          />
          <div
            id={`${id}-list`}
            class="combobox-list"
            role="listbox"
            aria-label="Sounds"
            hidden={!open}
            ref={list}
            // The field keeps the keyboard.
            onPointerDown={(event) => event.preventDefault()}
          >
            {open && found.length === 0 && (
              <div role="option" aria-selected={false} aria-disabled="true" class="combobox-none">
                Nothing sounds like that
              </div>
            )}
            {open &&
              groups.map((group) => (
                <div role="group" aria-labelledby={`${id}-group-${group}`} key={group}>
                  <div class="combobox-group" id={`${id}-group-${group}`} role="presentation">
                    {group}
                  </div>
                  {found.map(
                    (each, index) =>
                      each.group === group && (
                        <div
                          key={each.id}
                          id={`${id}-${each.id}`}
                          class="combobox-option"
                          role="option"
                          aria-selected={index === active}
                          onClick={() => choose(index)}
                        >
                          <span>{each.id}</span> <span class="combobox-about">{each.label}</span>
                        </div>
                      ),
                  )}
                </div>
              ))}
          </div>
        </div>
      </div>
      <div class="field">
        <label for={`${id}-sound`}>Recording</label>
        <select
          id={`${id}-sound`}
          disabled={!current}
          value={sound}
          onChange={(event) => onSound(event.currentTarget.value || undefined)}
        >
          <option value="">any, by the take’s number</option>
          {current?.sounds.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

/** Those that have all words of a query in their names, by group. */
function matching(
  palette: readonly SoundClassJson[],
  kinds: readonly SoundClassJson['kind'][],
  query: string,
): SoundClassJson[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return palette
    .filter((each) => kinds.includes(each.kind))
    .filter(({ id, label, group, sounds }) => {
      const text = [id, label, group, ...sounds.map(({ name }) => name)].join(' ').toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .toSorted((a, b) => a.group.localeCompare(b.group) || a.id.localeCompare(b.id))
    .slice(0, MOST_SHOWN);
}

import type { Wish } from './api.js';
import { AgainIcon } from './icons.js';

const SUGGESTIONS = [
  'hammer on wood',
  'footsteps',
  'metal',
  'drum',
  'splash',
  'rain',
  'door',
  'clap',
  'fire',
  'engine',
];

/** Seeds of the page are short, so that they can be told to somebody; the API takes 64 bits. */
export function newSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000);
}

/** What may be said about the sound; all of it may be left as it is. */
export function WishFields({ wish, onWish }: { wish: Wish; onWish(wish: Wish): void }) {
  const change = (part: Partial<Wish>) => onWish({ ...wish, ...part });
  return (
    <div class="wish">
      <div class="field">
        <label for="sound">What makes the sound?</label>
        <p class="hint" id="sound-hint">
          Leave it empty and the picture decides.
        </p>
        <input
          id="sound"
          type="text"
          maxLength={200}
          autocomplete="off"
          list="sound-suggestions"
          aria-describedby="sound-hint"
          placeholder="for example hammer on wood"
          value={wish.sound}
          onInput={(event) => change({ sound: event.currentTarget.value })}
        />
        <datalist id="sound-suggestions">
          {SUGGESTIONS.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <div class="chips" role="group" aria-label="Suggestions">
          {SUGGESTIONS.slice(0, 6).map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={wish.sound === name}
              onClick={() => change({ sound: wish.sound === name ? '' : name })}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      <div class="field-row">
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={wish.keepOriginal}
            onChange={(event) => change({ keepOriginal: event.currentTarget.checked })}
          />
          <span class="switch-track" aria-hidden="true" />
          <span>
            Keep the video’s own sound
            <span class="hint">The new sound is mixed under it. Needed if the video isn’t silent.</span>
          </span>
        </label>
        <div class="field seed">
          <label for="seed">Take</label>
          <div class="seed-row">
            <input
              id="seed"
              type="text"
              inputMode="numeric"
              pattern="[0-9]*"
              maxLength={19}
              aria-describedby="seed-hint"
              value={wish.seed}
              onInput={(event) => change({ seed: event.currentTarget.value.replace(/\D/g, '') })}
            />
            <button
              type="button"
              class="button button-icon"
              aria-label="Another number"
              onClick={() => change({ seed: newSeed() })}
            >
              <AgainIcon />
            </button>
          </div>
          <p class="hint" id="seed-hint">
            The same number makes the same sound.
          </p>
        </div>
      </div>
    </div>
  );
}

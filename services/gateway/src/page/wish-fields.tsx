import type { Wish } from './api.js';
import { AgainIcon } from './icons.js';
import { MuteFields } from './mute-fields.js';

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
export function WishFields({ wish, still, onWish }: { wish: Wish; still: boolean; onWish(wish: Wish): void }) {
  const change = (part: Partial<Wish>) => onWish({ ...wish, ...part });
  const drawn = wish.engine === 'regnet';
  return (
    <div class="wish">
      <EngineField engine={wish.engine} onEngine={(engine) => change({ engine })} />
      {!drawn && <SoundField sound={wish.sound} onSound={(sound) => change({ sound })} />}
      {!drawn && <MuteFields mute={wish.mute} onMute={(mute) => change({ mute })} />}
      <div class="field-row field-row-even">
        <fieldset class="field radios quality">
          <legend>Quality</legend>
          {(['standard', 'draft'] as const).map((quality) => (
            <label key={quality}>
              <input
                type="radio"
                name="quality"
                checked={wish.quality === quality}
                onChange={() => change({ quality })}
              />
              <span>{quality === 'draft' ? 'Draft, a first listen' : 'Standard'}</span>
            </label>
          ))}
        </fieldset>
        <div class="field">
          <label for="candidates">Candidates</label>
          <select
            id="candidates"
            value={String(wish.candidates)}
            onChange={(event) => change({ candidates: Number(event.currentTarget.value) })}
          >
            {[1, 2, 3, 4, 5, 6, 7, 8].map((count) => (
              <option key={count} value={String(count)}>
                {count}
              </option>
            ))}
          </select>
        </div>
        {still && !drawn && (
          <div class="field">
            <label for="still-duration">Length, seconds</label>
            <input
              id="still-duration"
              type="number"
              min={1}
              max={14_400}
              step="any"
              placeholder="10"
              value={wish.stillDurationS}
              onInput={(event) => change({ stillDurationS: event.currentTarget.value })}
            />
          </div>
        )}
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

/** Recordings by a cue sheet, or a net. */
function EngineField({ engine, onEngine }: { engine: Wish['engine']; onEngine(engine: Wish['engine']): void }) {
  return (
    <fieldset class="field radios">
      <legend>How is it made?</legend>
      {(['palette', 'regnet'] as const).map((each) => (
        <label key={each}>
          <input type="radio" name="engine" value={each} checked={engine === each} onChange={() => onEngine(each)} />
          <span>{each === 'palette' ? 'With recordings, which you can move afterwards' : 'Drawn by a net'}</span>
        </label>
      ))}
      {engine === 'regnet' && (
        <p class="hint">
          A net draws the sound of what it sees in a video. It sounds rougher, can’t be told what it should be, and
          gives nothing to edit; the server needs a trained model for it.
        </p>
      )}
    </fieldset>
  );
}

function SoundField({ sound, onSound }: { sound: string; onSound(sound: string): void }) {
  return (
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
        value={sound}
        onInput={(event) => onSound(event.currentTarget.value)}
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
            aria-pressed={sound === name}
            onClick={() => onSound(sound === name ? '' : name)}
          >
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}

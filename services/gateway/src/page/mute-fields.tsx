import { useState } from 'preact/hooks';

const TICKS = ['music', 'speech'];

/** What must not sound: two groups to tick, and any words besides. */
export function MuteFields({ mute, onMute }: { mute: readonly string[]; onMute(mute: string[]): void }) {
  const [words, setWords] = useState(mute.filter((word) => !TICKS.includes(word)).join(', '));
  const ticked = mute.filter((word) => TICKS.includes(word));
  const listOf = (text: string) => text.split(',').map((word) => word.trim()).filter(Boolean); // prettier-ignore
  return (
    <fieldset class="field mute">
      <legend>Never let it sound like</legend>
      <div class="mute-row">
        {TICKS.map((word) => (
          <label key={word} class="tick">
            <input
              type="checkbox"
              checked={ticked.includes(word)}
              onChange={(event) => {
                const others = ticked.filter((each) => each !== word);
                onMute([...others, ...(event.currentTarget.checked ? [word] : []), ...listOf(words)]);
              }}
            />
            <span>{word}</span>
          </label>
        ))}
        <input
          type="text"
          aria-label="Other sounds to leave out, with commas between them"
          placeholder="others: dog, wind"
          maxLength={400}
          autocomplete="off"
          value={words}
          onInput={(event) => {
            setWords(event.currentTarget.value);
            onMute([...ticked, ...listOf(event.currentTarget.value)]);
          }}
        />
      </div>
    </fieldset>
  );
}

import { useId, useRef } from 'preact/hooks';

interface SliderFieldProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  /** The value in words. */
  words: string;
  /** @param gesture one name for one pull at the slider */
  onValue(value: number, gesture: string): void;
  onEnd(): void;
}

let pulls = 0;

/** A slider with its name before and its value behind it. */
export function SliderField({ label, value, min, max, step, words, onValue, onEnd }: SliderFieldProps) {
  const id = useId();
  const pull = useRef('');
  return (
    <div class="slider-field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={words}
        onInput={(event) => {
          pull.current ||= `slide-${++pulls}`;
          onValue(Number(event.currentTarget.value), pull.current);
        }}
        onChange={() => {
          pull.current = '';
          onEnd();
        }}
      />
      <output for={id}>{words}</output>
    </div>
  );
}

import { useState } from 'preact/hooks';
import { countOf } from '../editing/cue-words.js';
import type { CandidateJson, JobJson } from './api.js';
import { signed } from './format.js';
import { Waveform } from './waveform.js';

interface CandidateCardsProps {
  job: JobJson;
  chosen: number;
  onChoose(candidate: number): void;
  onMore(count: number): void;
}

const MOST = 8;

/** The candidates side by side, to be switched between while the film plays; and more of them. */
export function CandidateCards({ job, chosen, onChoose, onMore }: CandidateCardsProps) {
  const { candidates } = job.result!;
  const [count, setCount] = useState(3);
  const [asked, setAsked] = useState(false);
  const more = () => {
    setAsked(true);
    onMore(count);
  };
  return (
    <div class={`candidates ${candidates.length > 1 ? 'has-several' : ''}`}>
      {(candidates.length > 1 || !candidates[0]?.links.cues) && (
        <fieldset class="candidate-list">
          <legend class="visually-hidden">
            {candidates.length > 1
              ? `Candidates; the keys 1 to ${candidates.length} switch at the same moment`
              : 'The soundtrack'}
          </legend>
          {candidates.map((candidate, index) => (
            <Card
              key={candidate.seed}
              candidate={candidate}
              number={index + 1}
              checked={index === chosen}
              durationS={job.result!.durationS}
              onChoose={() => onChoose(index)}
            />
          ))}
        </fieldset>
      )}
      <div class="candidate-more">
        <label for="more-count">More candidates</label>
        <select
          id="more-count"
          value={String(count)}
          disabled={asked}
          onChange={(event) => setCount(Number(event.currentTarget.value))}
        >
          {Array.from({ length: MOST }, (_, i) => (
            <option key={i} value={String(i + 1)}>
              {i + 1}
            </option>
          ))}
        </select>
        <button class="button button-small" type="button" disabled={asked || !job.links.source} onClick={more}>
          Make them
        </button>
      </div>
    </div>
  );
}

interface CardProps {
  candidate: CandidateJson;
  number: number;
  checked: boolean;
  durationS: number;
  onChoose(): void;
}

function Card({ candidate, number, checked, durationS, onChoose }: CardProps) {
  const { seed, hits, layers, loudnessLufs, links, video } = candidate;
  const facts = [
    ...(links.cues ? [countOf(hits, 'hit'), countOf(layers, 'layer')] : []),
    ...(loudnessLufs === undefined ? [] : [`${signed(loudnessLufs)} LUFS`]),
  ];
  return (
    <label class="candidate">
      <input type="radio" name="candidate" checked={checked} onChange={onChoose} />
      <span class="candidate-card">
        <span class="candidate-number" aria-hidden="true">
          {number}
        </span>
        <span class="visually-hidden">Candidate {number}, </span>
        <span class="candidate-take">Take {seed}</span>
        <span class="candidate-facts">{facts.join(' · ')}</span>
        {links.video && (
          <Waveform url={links.video} sizeBytes={video?.sizeBytes ?? 0} durationS={durationS} heightPx={36} />
        )}
      </span>
    </label>
  );
}

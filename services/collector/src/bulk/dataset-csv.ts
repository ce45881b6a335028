import type { DatasetCsv } from '@soundstage/contracts';
import { isPart, VIDEO_ID } from '../download/downloader.js';
import { DATASET_HOST } from '../fetch-clip.js';
import { identityOfPart } from '../ledger.js';
import { refuse, refusalOf } from '../refusal.js';
import { readCsvLine } from './csv.js';
import type { Item } from './items.js';

/** VGGSound's clips are all so long. */
const USUAL_CLIP_S = 10;

/**
 * The items of a list in VGGSound's form, `youtube id, start seconds, label, split` a line; label and split may be
 * missing. A first line without a number is taken for a heading. A wrong line becomes an item with its refusal.
 */
export function* datasetItems(
  lines: Iterable<string>,
  { clipS, labels, split }: Pick<DatasetCsv, 'clipS' | 'labels' | 'split'>,
): Generator<Item> {
  const wanted = new Set(labels);
  const durationS = clipS || USUAL_CLIP_S;
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [videoId = '', start = '', label = '', itsSplit = ''] = readCsvLine(line) ?? [];
    const startS = start === '' ? NaN : Number(start);
    if (number === 1 && Number.isNaN(startS) && !VIDEO_ID.test(videoId)) continue;
    if ((wanted.size > 0 && !wanted.has(label)) || (split !== '' && split !== itsSplit)) continue;
    const about = { label: label.slice(0, 200), datasetSplit: itsSplit.slice(0, 200) };
    const part = { videoId, startS, durationS };
    if (!isPart(part)) {
      const says = `Line ${number} isn't "youtube id, start seconds, label, split": ${JSON.stringify(line.slice(0, 80))}`;
      yield {
        ...about,
        name: `line ${number}`,
        sourceId: '',
        identity: `line:${number}`,
        host: '',
        refusal: refusalOf(refuse('bad_line', says)),
      };
      continue;
    }
    yield {
      ...about,
      name: `${videoId} from ${startS} s`,
      // Clips of one video never fall into two splits.
      sourceId: videoId,
      source: { $case: 'datasetClip', value: part },
      identity: identityOfPart(part),
      host: DATASET_HOST,
    };
  }
}

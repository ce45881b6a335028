import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readLabels } from './labels.js';

const folder = mkdtempSync(join(tmpdir(), 'soundstage-labels-'));
afterAll(() => rmSync(folder, { recursive: true }));

function labels(text: string) {
  const file = join(folder, 'labels.csv');
  writeFileSync(file, text);
  return readLabels(file);
}

describe('A labels file', () => {
  test('names clips with source, label and split, by either of two headings, and may hold more', async () => {
    expect(await labels('\uFEFFpath,label\r\na/b.mp4,"dog, barking"\r\n\r\n')).toEqual([
      { path: 'a/b.mp4', source: '', label: 'dog, barking', split: '' },
    ]);
    expect(await labels('clip,source,class,impact,split\n./c.mp4,tape,"say ""hi""",1,test')).toEqual([
      { path: 'c.mp4', source: 'tape', label: 'say "hi"', split: 'test' },
    ]);
  });

  test('that is wrong is told every problem with its line', async () => {
    const text = 'path,label\na.mp4,"two\nlines"\na.mp4,x\n../b.mp4,x\n/c.mp4,x\nd.mp4\n';
    await expect(labels(text)).rejects.toThrow(
      /line 4: a.mp4 stands in line 2 already\n.*line 5: "..\/b.mp4" is no path[^]*line 6: [^]*line 7: 1 fields, not 2/,
    );
    await expect(labels('file,label\na.mp4,x\n')).rejects.toThrow('path,source,label');
    await expect(labels('path,label\na"b.mp4,x\n')).rejects.toThrow('Line 2');
  });
});

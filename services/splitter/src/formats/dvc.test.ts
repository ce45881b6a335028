import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { dvcDirectory, dvcFile, dvcRemotePath } from './dvc.js';

const entry = (path: string, content: string) => ({
  path,
  md5: createHash('md5').update(content).digest('hex'),
  sizeBytes: content.length,
});
const entries = [entry('b.txt', 'two\n'), entry('a-1/x.txt', 'three\n'), entry('a/x.txt', 'one\n'), entry('B.txt', '')];

describe("DVC's list of a folder", () => {
  test('has the name that DVC 3 itself gives to the same folder', () => {
    // As `dvc add` of DVC 3.67.1 has it for these four files.
    expect(dvcDirectory(entries).md5).toBe('61c8cc9a1a5fc96409d5c575b71c8bb4.dir');
    expect(dvcDirectory(entries.toReversed()).md5).toBe('61c8cc9a1a5fc96409d5c575b71c8bb4.dir');
  });

  test('is pointed to by a .dvc file that no name can turn into something else', () => {
    expect(dvcFile('1.0', entries)).toBe(
      "outs:\n- md5: 61c8cc9a1a5fc96409d5c575b71c8bb4.dir\n  size: 14\n  nfiles: 4\n  hash: md5\n  path: '1.0'\n",
    );
  });

  test('lies in a remote under its first two digits', () => {
    expect(dvcRemotePath('d41d8cd98f00b204e9800998ecf8427e')).toBe('files/md5/d4/1d8cd98f00b204e9800998ecf8427e');
  });
});

import { describe, expect, test } from '@jest/globals';
import { contentDisposition, displayName, mediaTypeOf, safeBaseName, safeMediaType } from './file-names.js';

describe('A name that a client sends', () => {
  test.each([
    ['holiday.mp4', 'holiday.mp4'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\clip.mov', 'clip.mov'],
    ['two\r\nlines\u0000.mp4', 'two lines .mp4'],
    ['망치 소리.mp4', '망치 소리.mp4'],
    ['evil\u202Egpj.mp4', 'evil gpj.mp4'],
    ['', 'video'],
    ['/', 'video'],
  ])('%j is shown as %j', (name, shown) => {
    expect(displayName(name)).toBe(shown);
  });

  test.each([
    ['holiday.mp4', 'holiday'],
    ['.htaccess.mp4', 'htaccess'],
    ['a<b>:"c|d?*.mp4', 'a b c d'],
    ['', 'f123'],
    ['....', 'f123'],
  ])('%j is saved as %j', (name, base) => {
    expect(safeBaseName(name, 'f123')).toBe(base);
  });

  test('has an end', () => {
    expect([...displayName('ü'.repeat(5000))]).toHaveLength(120);
    expect([...safeBaseName(`${'𝄞'.repeat(5000)}.mp4`, 'x')]).toHaveLength(100);
  });

  test('goes into a header in both forms and can’t break out of it', () => {
    const header = contentDisposition('attachment', '망치 "100%"; x=(1).mp4');
    expect(header).toBe(
      'attachment; filename="__ _100__; x=(1).mp4"; ' +
        "filename*=UTF-8''%EB%A7%9D%EC%B9%98%20%22100%25%22%3B%20x%3D%281%29.mp4",
    );
  });
});

describe('A media type that a client states', () => {
  test.each([
    ['video/mp4', 'video/mp4'],
    ['VIDEO/WebM; codecs="vp9"', 'video/webm'],
    ['text/html', 'application/octet-stream'],
    ['image/svg+xml', 'application/octet-stream'],
    ['video/mp4\r\nx: y', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('%j is served as %j', (stated, served) => {
    expect(safeMediaType(stated)).toBe(served);
  });

  test('is helped by the file’s name where it is missing', () => {
    expect(mediaTypeOf('application/octet-stream', 'Clip.MOV')).toBe('video/quicktime');
    expect(mediaTypeOf('video/webm', 'clip.mp4')).toBe('video/webm');
    expect(mediaTypeOf('text/html', 'page.html')).toBe('application/octet-stream');
  });
});

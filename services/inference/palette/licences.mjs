// Writes LICENCES.md, the list a reader checks before shipping the sounds.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes `LICENCES.md` into `folder` from the packages and the built manifest entries. */
export function writeLicences(folder, packages, sounds) {
  const lines = ['# Licences of the palette', '', 'Written by `build.mjs`; edit `sources.json` instead.', ''];
  lines.push('The sounds are edited (trimmed, faded, looped, levelled; `palette.json` names each edit).', '');
  for (const source of Object.values(packages)) {
    const own = sounds.filter(({ source: from }) => from.package === source.name);
    if (own.length === 0) continue;
    lines.push(`## ${source.name} ${source.version} (${source.registry})`, '', source.statement, '');
    if (source.notice) lines.push('```', source.notice, '```', '');
    lines.push('| sound | licence | author | taken from |', '|---|---|---|---|');
    for (const sound of own) {
      const member = sound.source.member ? `, \`${sound.source.member}\`` : '';
      const link = sound.source.url ? ` (<${sound.source.url}>)` : '';
      lines.push(
        `| ${sound.class}/${sound.id} | ${sound.licence} | ${sound.author} | \`${sound.source.path}\`${member}${link} |`,
      );
    }
    lines.push('');
  }
  writeFileSync(join(folder, 'LICENCES.md'), `${lines.join('\n').trimEnd()}\n`);
}

import { existsSync } from 'node:fs';
import { parse } from 'node:path';
import { type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { demoClip } from '@soundstage/inference';
import { probe } from '@soundstage/media';
import { foleyOneFile } from './foley.js';
import { DEFAULT_SEED, parseSeed } from './foley/options.js';
import { defaultOutputName } from './foley/outputs.js';
import { summary } from './foley/summary.js';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('Try it: makes a soundtrack for a silent clip and says where the finished video lies.')
    .argument('[video]', 'a silent video of yours (default: a small real clip that comes along)')
    .option('--seed <n>', 'another seed gives another take', parseSeed, DEFAULT_SEED)
    .addHelpText('after', '\nExamples:\n  soundstage demo\n  soundstage demo my-silent-clip.mp4')
    .action(async (video: string | undefined, { seed }: { seed: number }) => {
      const clip = video ?? demoClip.path;
      if (!existsSync(clip)) throw badInput(`There is no file ${clip}.`, 'video');
      process.stderr.write(
        video
          ? `Making a soundtrack for ${clip}\n`
          : `Making a soundtrack for the clip that comes along (${demoClip.description})\n`,
      );
      // The demo may be repeated: the output for its own clip belongs to it, beside others a free name is taken.
      const result = video
        ? await foleyOneFile(video, { output: freeName(defaultOutputName(video, await probe(video))), seed })
        : await foleyOneFile(clip, { output: 'soundstage-demo.foley.mp4', force: true, seed });
      process.stdout.write(summary(result));
    });
}

/** `clip.foley.mp4`, or where that exists `clip.foley-2.mp4` and so on, in the current folder. */
function freeName(name: string): string {
  const { name: stem, ext } = parse(name);
  let free = name;
  for (let n = 2; existsSync(free); n++) free = `${stem}-${n}${ext}`;
  return free;
}

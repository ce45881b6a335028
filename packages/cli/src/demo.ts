import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { demoClip } from '@soundstage/inference';
import { foleyOneVideo, summary } from './foley.js';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('Try it: makes a soundtrack for a silent clip and says where the finished video lies.')
    .argument('[video]', 'a silent video of yours (default: a small real clip that comes along)')
    .option('--seed <n>', 'another seed gives another take', Number, 1)
    .addHelpText('after', '\nExamples:\n  soundstage demo\n  soundstage demo my-silent-clip.mp4')
    .action(async (video: string | undefined, { seed }: { seed: number }) => {
      const clip = video ?? demoClip.path;
      if (!existsSync(clip)) throw badInput(`There is no file ${clip}.`, 'video');
      process.stderr.write(
        video
          ? `Making a soundtrack for ${clip}\n`
          : `Making a soundtrack for the clip that comes along (${demoClip.description})\n`,
      );
      const name = video ? basename(clip, extname(clip)) : 'soundstage-demo';
      const outcome = await foleyOneVideo(clip, {
        // The demo may be repeated: its output belongs to it.
        output: resolve(`${name}.foley${video ? extname(clip) : '.mp4'}`),
        force: !video,
        seed,
      });
      process.stdout.write(summary(outcome));
    });
}

#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { exitCode, SoundstageError } from '@soundstage/core';
import { addCollectCommand } from './collect/collect.js';
import { addDatasetCommands } from './dataset/dataset.js';
import { addDemoCommand } from './demo.js';
import { addFoleyCommand } from './foley.js';
import { addKeyCommands } from './keys/keys.js';
import { addModelCommands, addRunCommands } from './models/models.js';
import { addPipelineCommands } from './pipeline/pipeline.js';
import { addQueueCommands } from './queue/queue.js';
import { addServeCommands } from './serve.js';
import { addSyncCommand } from './sync/sync.js';

const program = new Command('soundstage')
  .description('Makes picture and sound fit each other.')
  .version('0.1.0')
  .showHelpAfterError('(soundstage --help tells more)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 2 wrong input (the sentence names the file and the limit), 3 couldn't be done now.

Examples:
  soundstage demo                              try it on a small clip that comes along
  soundstage foley silent.mp4                  writes silent.foley.mp4
  soundstage foley silent.mp4 -o out.mp4 --sound "hammer on wood"
  soundstage foley clips/ -o finished/         a whole folder, with a report
  soundstage sync film.mp4                     by how much its sound is late or early
  soundstage sync film.mp4 -o repaired.mp4     puts it in time, and proves it
  soundstage pipeline run pipelines/foley.yaml --set data=clips/
                                               from clips to models of your own
  soundstage up                                all services and the page on this machine`,
  );

// Whoever reads our output may have seen enough of it (`| head`): the work itself goes on.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

addFoleyCommand(program);
addSyncCommand(program);
addDemoCommand(program);
addCollectCommand(program);
addDatasetCommands(program);
addPipelineCommands(program);
addModelCommands(program);
addRunCommands(program);
addQueueCommands(program);
addKeyCommands(program);
addServeCommands(program);

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    // Help and version were asked for: commander has printed them. Wrong usage is bad input.
    process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  } else {
    const error = SoundstageError.from(thrown);
    process.stderr.write(`soundstage: ${error.message}\n`);
    if (error.reason === 'INTERNAL') process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = exitCode(error);
  }
}

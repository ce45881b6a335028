import { mkdir } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { createAdapters, createQueue, prepareQueues, readAdapterChoice } from '@soundstage/adapters';
import { createJobStore, JOB_KINDS, jobIdOf, SoundstageError, type Queue, type QueueStats } from '@soundstage/core';
import { homeFolder } from '../connect/connect.js';
import { table } from '../table.js';

interface ListOptions {
  dead?: boolean;
  json?: boolean;
}

/** `soundstage queue init|list|replay`: the topics of all kinds of work, in whichever queue the environment names. */
export function addQueueCommands(program: Command): void {
  const queue = program
    .command('queue')
    .description('Prepare the queue, look into it, and give dead letters another chance.')
    .addHelpText(
      'after',
      `
A topic is named after its kind of work: ${JOB_KINDS.join(', ')}.
Which queue is meant is told by the environment: the one of this machine (SOUNDSTAGE_HOME), or with
SOUNDSTAGE_BACKEND=gcp Google Pub/Sub (GOOGLE_CLOUD_PROJECT, SOUNDSTAGE_QUEUE_PREFIX); see docs/gcp.md.

Examples:
  soundstage queue init                        make or mend all topics and subscriptions
  soundstage queue list                        what waits, by topic
  soundstage queue list foley --dead           dead letters, with the reason of each
  soundstage queue replay foley --limit 10     put the ten oldest back into work`,
    );

  queue
    .command('init')
    .description('Make what the topics need and mend what differs; running it again changes nothing.')
    .argument('[topic...]', 'topics (default: those of all kinds of work)')
    .action(async (topics: string[]) => {
      const prepared = await prepareQueues(await home(), topics.length > 0 ? topics : JOB_KINDS);
      const rows = prepared.map(({ name, did, what = [] }) => [
        name,
        { made: 'made', mended: `mended: ${what.join(', ')}`, nothing: 'as it should be' }[did],
      ]);
      process.stdout.write(table(['name', 'state'], rows));
    });

  queue
    .command('list')
    .description('Show what waits, or the dead letters.')
    .argument('[topic...]', 'topics (default: those of all kinds of work)')
    .option('--dead', 'the dead letters, oldest first')
    .option('--json', 'one line of JSON for each topic or letter')
    .action((topics: string[], options: ListOptions) =>
      withQueue((queue) => list(queue, topics.length > 0 ? topics : JOB_KINDS, options)),
    );

  queue
    .command('replay')
    .description('Put dead letters back into their topic, oldest first, and queue their failed jobs again.')
    .argument('<topic>')
    .option('--limit <n>', 'at most so many', wholeNumber, 1000)
    .action(replay);
}

/** Puts dead letters back. Their jobs have ended as failed: without being queued again, nobody would do them. */
async function replay(topic: string, { limit }: { limit: number }): Promise<void> {
  const { queue, store } = await createAdapters(await home());
  try {
    const jobs = createJobStore(store, queue);
    const letters = await queue.deadLetters(topic, { replay: true, limit });
    for (const { body } of letters) {
      const jobId = jobIdOf(body);
      if (jobId === undefined) continue;
      await jobs.revive(jobId).catch((error: unknown) => {
        if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
      });
    }
    process.stdout.write(`${letters.length} of ${topic} put back\n`);
  } finally {
    await queue.close();
  }
}

async function list(queue: Queue, topics: readonly string[], { dead, json }: ListOptions): Promise<void> {
  if (dead) {
    const letters = [];
    for (const topic of topics) {
      for (const letter of await queue.deadLetters(topic)) letters.push({ topic, ...letter });
    }
    if (json) return void process.stdout.write(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''));
    const rows = letters.map(({ topic, id, attempts, diedAt, reason, body }) => [
      topic,
      id,
      String(attempts),
      diedAt.toISOString(),
      body.slice(0, 60),
      reason,
    ]);
    return void process.stdout.write(table(['topic', 'id', 'attempts', 'died', 'message', 'reason'], rows));
  }
  const all: [string, QueueStats | undefined][] = [];
  for (const topic of topics) all.push([topic, await statsOrNothing(queue, topic)]);
  if (json) {
    const lines = all.map(([topic, stats]) => `${JSON.stringify({ topic, ...stats })}\n`);
    return void process.stdout.write(lines.join(''));
  }
  const rows = all.map(([topic, stats]) => [
    topic,
    ...(stats
      ? [stats.ready, stats.delayed, stats.leased, stats.dead, Math.round(stats.oldestReadyAgeS)].map(String)
      : Array<string>(5).fill('')),
  ]);
  process.stdout.write(table(['topic', 'ready', 'delayed', 'leased', 'dead', 'oldest s'], rows));
}

/** A queue that can't count says so once, on stderr, and its topics are listed all the same. */
let told = false;
async function statsOrNothing(queue: Queue, topic: string): Promise<QueueStats | undefined> {
  try {
    return await queue.stats(topic);
  } catch (thrown) {
    const error = SoundstageError.from(thrown);
    if (error.reason !== 'UNAVAILABLE' || error.retryable) throw error;
    if (!told) process.stderr.write(`soundstage: ${error.message}\n`);
    told = true;
    return undefined;
  }
}

async function withQueue(work: (queue: Queue) => Promise<void>): Promise<void> {
  const queue = await createQueue(await home(), readAdapterChoice());
  try {
    await work(queue);
  } finally {
    await queue.close();
  }
}

async function home(): Promise<string> {
  const folder = homeFolder();
  await mkdir(folder, { recursive: true });
  return folder;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1');
  return Number(text);
}

// Measures the local queue beside bare SQLite on the same disk: node bench/queue.mjs [--json]
// A message counts when it was published, pulled and acknowledged, each with a durable commit.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createSqliteQueue } from '@soundstage/adapters-local';

const SECONDS = 2;
const TARGET = 2000;
const body = JSON.stringify({
  jobId: '0123456789abcdef0123456789abcdef',
  note: 'about as long as a real message body is',
});
const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'soundstage-bench-'));

/** Calls `round` for some seconds. @returns messages per second */
async function perSecond(round) {
  await round();
  const startedMs = performance.now();
  let messages = 0;
  while (performance.now() - startedMs < SECONDS * 1000) messages += await round();
  return messages / ((performance.now() - startedMs) / 1000);
}

function bareSqlite() {
  const database = new DatabaseSync(join(folder, 'bare.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO message (body) VALUES (?)');
  return {
    one: () => (insert.run(body), 1),
    hundred: () => {
      database.exec('BEGIN IMMEDIATE');
      for (let n = 0; n < 100; n++) insert.run(body);
      database.exec('COMMIT');
      return 100;
    },
    close: () => database.close(),
  };
}

const queue = createSqliteQueue({ file: join(folder, 'queue.sqlite') });

async function takeOne(topic) {
  await queue.publish(topic, [{ body }]);
  const [delivery] = await queue.pull(topic, { max: 1, leaseMs: 60_000, waitMs: 10_000 });
  if (!(await delivery.ack())) throw new Error('a lease was lost');
  return 1;
}

async function takeConcurrently(topic, count) {
  await Promise.all(Array.from({ length: count }, () => takeOne(topic)));
  return count;
}

async function takeBatch(topic, count) {
  await queue.publish(
    topic,
    Array.from({ length: count }, () => ({ body })),
  );
  const deliveries = await queue.pull(topic, { max: count, leaseMs: 60_000 });
  const acked = await Promise.all(deliveries.map((delivery) => delivery.ack()));
  if (deliveries.length !== count || acked.includes(false)) throw new Error('a message was lost');
  return count;
}

try {
  const bare = bareSqlite();
  // The comparators before and after, since a shared disk is now faster and now slower.
  const before = { one: await perSecond(bare.one), hundred: await perSecond(bare.hundred) };
  const single = await perSecond(() => takeOne('single'));
  const concurrent = await perSecond(() => takeConcurrently('concurrent', 100));
  const batched = await perSecond(() => takeBatch('batched', 100));
  const after = { one: await perSecond(bare.one), hundred: await perSecond(bare.hundred) };
  bare.close();
  const insert = (before.one + after.one) / 2;
  const inserts = (before.hundred + after.hundred) / 2;
  const rows = [
    { what: 'bare SQLite, insert + commit', perSecond: insert, ratio: 1, of: 'itself' },
    { what: 'bare SQLite, 100 inserts + commit', perSecond: inserts, ratio: 1, of: 'itself' },
    {
      what: 'queue, one call after another (3 commits a message)',
      perSecond: single,
      ratio: single / insert,
      of: 'insert + commit',
    },
    {
      what: 'queue, 100 single calls at once',
      perSecond: concurrent,
      ratio: concurrent / inserts,
      of: '100 inserts + commit',
    },
    { what: 'queue, batches of 100', perSecond: batched, ratio: batched / inserts, of: '100 inserts + commit' },
  ];
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bench: 'queue', target: TARGET, rows }));
  } else {
    for (const row of rows) {
      const figure = String(Math.round(row.perSecond)).padStart(8);
      console.log(`${row.what.padEnd(52)} ${figure} messages/s  ${row.ratio.toFixed(2)} of ${row.of}`);
    }
    const met = Math.min(concurrent, batched) >= TARGET ? 'met' : 'missed';
    console.log(`target: ${TARGET} messages/s published, pulled and acknowledged, batched or at once: ${met}`);
  }
} finally {
  await queue.close();
  rmSync(folder, { recursive: true });
}

import { InvalidArgumentError, type Command } from 'commander';
import { CLIENT_NAME, SCOPES, type Scope } from '@soundstage/core';
import { addToFile, makeKey, type NewKey } from './new-key.js';

interface NewOptions {
  scopes: Scope[];
  expires?: Date;
  file?: string;
}

/** `soundstage keys new`: what a server that others reach asks its callers for. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('Make keys for those who may call servers that others can reach.');
  keys
    .command('new')
    .description('Make a key. It goes to stdout, once; servers get to know its hash alone.')
    .argument('<name>', 'whose key it is: stands in the audit log', clientName)
    .option('--scopes <list>', `of ${SCOPES.join(', ')}; each of the first three includes those before it`, scopes, [
      'write',
    ] as Scope[])
    .option('--expires <when>', 'a date (2027-01-31), or so many days from now (90d)', expiry)
    .option('--file <path>', 'put it into this file of clients; a name that is there gets one key more')
    .addHelpText(
      'after',
      `
Servers read the file by SOUNDSTAGE_AUTH=keys and SOUNDSTAGE_API_KEYS_FILE, and again when it changes. To replace a
key, make a second one for the same name, hand it out, then take the first one's line out of the file.

Examples:
  soundstage keys new alice --expires 90d                      the key, and its line for the file
  soundstage keys new alice --file keys.json > alice.key       SOUNDSTAGE_TOKEN_FILE=alice.key soundstage foley …
  soundstage keys new gateway --scopes write,delegate --file keys.json > gateway.key
  soundstage keys new trainers --scopes admin --file keys.json > trainers.key`,
    )
    .action(async (name: string, { scopes: given, expires, file }: NewOptions) => {
      const made = makeKey({ name, scopes: given, expires });
      const told = file === undefined ? lineOf(made) : await addToFile(file, made).then((what) => `${file}: ${what}\n`);
      process.stderr.write(told);
      process.stdout.write(`${made.key}\n`);
    });
}

const lineOf = ({ client }: NewKey) => `For the file of clients, in {"clients": [ … ]}:\n${JSON.stringify(client)}\n`;

function clientName(text: string): string {
  if (!CLIENT_NAME.test(text)) throw new InvalidArgumentError('use letters, digits and . _ @ : - only, at most 100');
  return text;
}

function scopes(text: string): Scope[] {
  const given = text.split(',').map((scope) => scope.trim());
  const strange = given.find((scope) => !SCOPES.includes(scope as Scope));
  if (strange !== undefined) throw new InvalidArgumentError(`there is no scope ${JSON.stringify(strange)}`);
  return given as Scope[];
}

function expiry(text: string): Date {
  const [, days] = /^(\d{1,4})d$/.exec(text) ?? [];
  const date = days
    ? new Date(Date.now() + Number(days) * 86_400_000)
    : new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : NaN);
  if (!(date.getTime() > Date.now())) throw new InvalidArgumentError('give a date to come, or days as in 90d');
  return date;
}

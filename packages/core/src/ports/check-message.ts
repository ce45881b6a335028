import { badInput } from '../errors.js';
import type { OutgoingMessage, PullOptions } from './queue.js';

const BODY_MAX_BYTES = 1024 * 1024;
const ATTRIBUTES_MAX = 98;
const TOPIC = /^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/;
/** What adapters (`soundstage-`) and Pub/Sub itself (`goog`) name their own attributes. */
const RESERVED = /^(soundstage-|goog)/;

/** @throws BAD_INPUT */
export function checkTopic(topic: string): void {
  if (!TOPIC.test(topic)) {
    throw badInput(
      `"${topic}" can't be the name of a topic: use a letter, then 2 to 254 letters, digits or . _ ~ + % -`,
      'topic',
    );
  }
}

/** The limits of the port, which are those of Pub/Sub: what works on one machine works in the cloud. @throws BAD_INPUT */
export function checkMessage(message: OutgoingMessage): void {
  const sizeBytes = Buffer.byteLength(message.body);
  if (sizeBytes > BODY_MAX_BYTES) {
    throw badInput(
      `A message body has ${sizeBytes} bytes, the limit is ${BODY_MAX_BYTES}: put the data in the object store and send its key.`,
      'body',
    );
  }
  const attributes = Object.entries(message.attributes ?? {});
  if (attributes.length > ATTRIBUTES_MAX) {
    throw badInput(
      `A message has ${attributes.length} attributes, the limit is ${ATTRIBUTES_MAX}: put what is more into the body.`,
      'attributes',
    );
  }
  for (const [name, value] of attributes) {
    if (typeof value !== 'string' || name === '' || Buffer.byteLength(name) > 256 || Buffer.byteLength(value) > 1024) {
      throw badInput(
        `Attribute "${name.slice(0, 80)}" isn't a name of 1 to 256 bytes with a string of at most 1024 bytes.`,
        'attributes',
      );
    }
    if (RESERVED.test(name))
      throw badInput(
        `Attribute "${name.slice(0, 80)}" can't be carried: names that start with soundstage- or goog are taken.`,
        'attributes',
      );
  }
  checkMs(message.delayMs ?? 0, 'delayMs');
}

/** @throws BAD_INPUT */
export function checkPull(options: PullOptions): void {
  if (!Number.isInteger(options.max) || options.max < 1 || options.max > 1000) {
    throw badInput(`max is ${options.max}: ask for 1 to 1000 messages.`, 'max');
  }
  checkMs(options.leaseMs, 'leaseMs');
  if (options.leaseMs <= 0) throw badInput('leaseMs is 0: give the puller some time to work.', 'leaseMs');
  checkMs(options.waitMs ?? 0, 'waitMs');
}

/** @throws BAD_INPUT for what isn't a time between 0 and about 24 days */
export function checkMs(ms: number, field: string): void {
  if (!(ms >= 0 && ms <= 0x7fffffff))
    throw badInput(`${field} is ${ms}: give milliseconds from 0 to ${0x7fffffff}.`, field);
}

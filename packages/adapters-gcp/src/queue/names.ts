import { badInput } from '@soundstage/core/errors';
import { checkTopic } from '@soundstage/core/ports';

/** The full names of what one topic of the port needs in Pub/Sub. */
export interface Names {
  /** As the port names it. */
  topic: string;
  mainTopic: string;
  mainSubscription: string;
  deadTopic: string;
  deadSubscription: string;
}

/** @throws BAD_INPUT for a name that the port or, with the prefix, Pub/Sub refuses */
export function namesOf(topic: string, { projectId, prefix }: { projectId: string; prefix: string }): Names {
  checkTopic(topic);
  const name = prefix + topic;
  const dead = `${name}.dead`;
  if (!/^(?!goog)[A-Za-z]/.test(name) || dead.length > 255) {
    throw badInput(
      `"${name}" can't be a name in Pub/Sub: with ".dead" behind it, it may have 255 characters, and it mustn't start with "goog".`,
      'topic',
    );
  }
  return {
    topic,
    mainTopic: `projects/${projectId}/topics/${name}`,
    mainSubscription: `projects/${projectId}/subscriptions/${name}`,
    deadTopic: `projects/${projectId}/topics/${dead}`,
    deadSubscription: `projects/${projectId}/subscriptions/${dead}`,
  };
}

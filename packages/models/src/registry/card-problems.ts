import { cardProblems } from '../card.js';

/** Longest text of a card, characters: a card is read by people and sent over the wire. */
const CARD_CHARACTERS = 2 ** 20;

/**
 * What a card lacks for its model to be registered: more than it takes to run it. Who meets the model later must find
 * what it was trained on, under which terms it may be used, and how good it is by which command.
 *
 * @returns every problem, in words; none for a good card
 */
export function registrationProblems(card: unknown, model: { name: string; sha256: string }): string[] {
  const problems = cardProblems(card);
  if (typeof card !== 'object' || card === null) return problems;
  const fields = card as Record<string, unknown>;
  if (JSON.stringify(card).length > CARD_CHARACTERS) problems.push(`it has more than ${CARD_CHARACTERS} characters`);
  if (fields['name'] !== undefined && fields['name'] !== model.name) {
    problems.push(`\`name\` is ${JSON.stringify(fields['name'])}, not ${JSON.stringify(model.name)}`);
  }
  if (typeof fields['sha256'] === 'string' && fields['sha256'] !== model.sha256) {
    problems.push(`\`sha256\` is ${fields['sha256'].slice(0, 64)}, the model has ${model.sha256}`);
  }
  if (!isText((fields['licence'] as { training_data?: unknown } | undefined)?.training_data)) {
    problems.push('`licence.training_data` is missing');
  }
  if (!isText(fields['does'])) problems.push('`does` must say what the model does');
  if (!isText(fields['dataset'])) problems.push('`dataset` must name what it was trained on');
  problems.push(...figureProblems(fields['measured']));
  return problems;
}

/** Figures are `{what, value, command}`: one without its command can't be checked by anybody. */
function figureProblems(measured: unknown): string[] {
  if (!Array.isArray(measured) || measured.length === 0) return ['`measured` must list at least one figure'];
  return measured.flatMap((figure: unknown, index) => {
    const { what, value, command } = (figure ?? {}) as Record<string, unknown>;
    return [
      ...(isText(what) ? [] : [`measured[${index}].what is missing`]),
      ...(Number.isFinite(value) ? [] : [`measured[${index}].value must be a number`]),
      ...(isText(command) ? [] : [`measured[${index}].command is missing`]),
    ];
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

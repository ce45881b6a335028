/** A line of a container's log, as the API gives it with `timestamps=true`. */
export type LogPiece =
  /** A line begins. */
  | { type: 'begin'; time: string }
  /** Text of the line that has begun; text that comes before any line has begun continues a line of an earlier answer. */
  | { type: 'text'; text: string }
  | { type: 'end' };

/** As the kubelet writes it: RFC 3339 with up to nine digits of a second. */
const TIME_LONGEST = 40;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Takes an answer apart as it comes, holding no more than what came last. */
export function createLogParser(): (text: string) => LogPiece[] {
  let head: string | undefined = '';
  return (text) => {
    const pieces: LogPiece[] = [];
    for (let at = 0; at < text.length;) {
      const breakAt = text.indexOf('\n', at);
      const lineEnd = breakAt < 0 ? text.length : breakAt;
      if (head !== undefined) {
        head += text.slice(at, lineEnd);
        const space = head.indexOf(' ');
        const time = space < 0 ? head : head.slice(0, space);
        const whole = space >= 0 || breakAt >= 0;
        if (whole && TIME.test(time)) {
          pieces.push({ type: 'begin', time });
          if (space >= 0 && space + 1 < head.length) pieces.push({ type: 'text', text: head.slice(space + 1) });
          head = undefined;
        } else if (whole || head.length > TIME_LONGEST) {
          if (head !== '') pieces.push({ type: 'text', text: head });
          head = undefined;
        }
      } else if (lineEnd > at) {
        pieces.push({ type: 'text', text: text.slice(at, lineEnd) });
      }
      if (breakAt >= 0) {
        pieces.push({ type: 'end' });
        head = '';
      }
      at = lineEnd + 1;
    }
    return pieces;
  };
}

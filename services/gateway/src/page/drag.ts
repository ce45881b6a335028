/** A pointer is on its way only when it has gone so far; less is a click with an unsteady hand. */
const SLACK_PX = 4;
const FINE = 0.1;
let gestures = 0;

export interface Dragged {
  /** Since the drag began; with Shift or Alt, a tenth of it. */
  dx: number;
  dy: number;
  /** The way that it went first. */
  axis: 'x' | 'y';
  /** One name for the whole drag. */
  gesture: string;
}

/** Follows a pointer from where it was pressed. */
export function drag(
  start: PointerEvent,
  element: HTMLElement,
  on: { move(dragged: Dragged): void; end(moved: boolean): void },
): void {
  if (start.button !== 0) return;
  const gesture = `drag-${++gestures}`;
  let axis: 'x' | 'y' | undefined;
  let [dx, dy] = [0, 0];
  let [lastX, lastY] = [start.clientX, start.clientY];
  element.setPointerCapture(start.pointerId);
  const move = (event: PointerEvent) => {
    // Finer from here on, without a jump at the moment when the key is pressed.
    const factor = event.shiftKey || event.altKey ? FINE : 1;
    dx += (event.clientX - lastX) * (axis ? factor : 1);
    dy += (event.clientY - lastY) * (axis ? factor : 1);
    [lastX, lastY] = [event.clientX, event.clientY];
    if (!axis) {
      if (Math.max(Math.abs(dx), Math.abs(dy)) < SLACK_PX) return;
      axis = Math.abs(dx) >= Math.abs(dy) ? 'x' : 'y';
      [dx, dy] = [0, 0];
    }
    on.move({ dx, dy, axis, gesture });
  };
  const end = () => {
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', end);
    element.removeEventListener('pointercancel', end);
    on.end(axis !== undefined);
  };
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
}

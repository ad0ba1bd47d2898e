import type { Lab } from '../lab.ts';
import type { Move } from './model.ts';

/** The same lab, that also writes down each move into `moves`. */
export function observeMoves(lab: Lab, moves: Move[]): Lab {
  const move: Lab['move'] = async (host, to, kind = 'carrier', gapMs = 0) => {
    const begun = lab.now();
    const from = moves.findLast((earlier) => earlier.host === host)?.to;
    await lab.move(host, to, kind, gapMs);
    moves.push({ begun, at: lab.now(), host, from, to, kind });
  };
  return new Proxy(lab, {
    get(target, key) {
      if (key === 'move') return move;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

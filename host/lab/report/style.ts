/** Marks in text; the identity where the output is no terminal. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** SGR parameters of ECMA-48. */
const sgr = (parameter: number) => (text: string) => `\x1b[${parameter}m${text}\x1b[0m`;
const plain = (text: string): string => text;

export function styleFor(terminal: boolean): Style {
  return terminal
    ? { strong: sgr(1), good: sgr(32), bad: sgr(31), faint: sgr(2) }
    : { strong: plain, good: plain, bad: plain, faint: plain };
}

import { stringify } from 'smol-toml';
import type { z } from 'zod';

/** The text of a configuration file for `maar run` or `maar aaa`, from values as their schema takes them. */
export function emitConfig<S extends z.ZodType>(_schema: S, value: z.input<S>): string {
  return `${stringify(value)}\n`;
}

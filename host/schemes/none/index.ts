import type { Scheme } from '../scheme.ts';

/** Plain routing: every MAAR is a router, and a session ends where its host's prefix ends. The baseline. */
export const none: Scheme = {
  name: 'none',
  check: (options) =>
    Object.keys(options).map((key) => ({ key, remedy: 'remove it: plain routing has no options' })),
  create: () => ({}),
};

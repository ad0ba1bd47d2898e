/** How packets get from a correspondent to the mobility router (MR) near it: Chan section 8, RS1. */
export type FirstSegment =
  /** Every MR takes packets for all homes of the domain, so that the nearest gets them. */
  | 'anycast'
  /** They pass the correspondent's access router or gateway, which is an MR, anyway. */
  | 'gateway';

/** How that MR learns where the MN is: Chan section 8, RS2. */
export type SecondSegment =
  /** It asks location management: Luo figure 3. */
  | 'query'
  /** It sends on towards the home, whose MR redirects it: Luo figure 4. */
  | 'push';

export interface Design {
  readonly firstSegment: FirstSegment;
  readonly secondSegment: SecondSegment;
}

/** The routing designs, by the names that configurations use. */
export const DESIGNS = {
  'gateway-query': { firstSegment: 'gateway', secondSegment: 'query' },
  'gateway-push': { firstSegment: 'gateway', secondSegment: 'push' },
  'anycast-query': { firstSegment: 'anycast', secondSegment: 'query' },
  'anycast-push': { firstSegment: 'anycast', secondSegment: 'push' },
} as const satisfies Readonly<Record<string, Design>>;

/** What [scheme] options say; the first value of each is in force unless another is given. */
export const OPTION_VALUES = {
  design: Object.keys(DESIGNS) as (keyof typeof DESIGNS)[],
  /** Which way a session's first packets take while its MR asks: by the home's MR, or none until the answer has come. */
  first: ['anchor', 'hold'],
  /** Whether an MN is registered before it has left its first MR: Luo section 4.1 leaves that open. */
  register: ['away', 'always'],
} as const;

export interface LuoOptions {
  readonly design: Design;
  readonly first: (typeof OPTION_VALUES.first)[number];
  readonly register: (typeof OPTION_VALUES.register)[number];
}

type Raw = Readonly<Record<string, unknown>>;

/** Faults in the options of a configuration. */
export function checkOptions(options: Raw): { key: string; remedy: string }[] {
  const faults = Object.entries(options).flatMap(([key, value]) => {
    const allowed: readonly string[] | undefined = isOption(key) ? OPTION_VALUES[key] : undefined;
    if (allowed === undefined) {
      return [{ key, remedy: `remove it: the scheme knows ${Object.keys(OPTION_VALUES).join(', ')}` }];
    }
    const known = allowed.some((name) => name === value);
    return known ? [] : [{ key, remedy: `one of ${allowed.map((name) => `"${name}"`).join(', ')}` }];
  });
  if (faults.length > 0) return faults;
  const { design, first } = readOptions(options);
  if (first === 'hold' && design.secondSegment !== 'query') {
    return [{ key: 'first', remedy: '"anchor": in this design nothing is asked, so that nothing need wait' }];
  }
  if (first === 'hold' && design.firstSegment === 'anycast') {
    return [{ key: 'first', remedy: '"anchor": the home\'s MR tells that there is something to ask' }];
  }
  return [];
}

/** Options that have been checked. */
export function readOptions(options: Raw): LuoOptions {
  const choose = <K extends keyof typeof OPTION_VALUES>(key: K): (typeof OPTION_VALUES)[K][number] => {
    const values: readonly (typeof OPTION_VALUES)[K][number][] = OPTION_VALUES[key];
    return values.find((value) => value === options[key]) ?? values[0]!;
  };
  return { design: DESIGNS[choose('design')], first: choose('first'), register: choose('register') };
}

function isOption(key: string): key is keyof typeof OPTION_VALUES {
  return key in OPTION_VALUES;
}

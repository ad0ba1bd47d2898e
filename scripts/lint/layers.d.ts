import type { Rule } from 'eslint';

export const layers: Readonly<Record<string, readonly string[]>>;
export const systemFolders: readonly string[];
export function mayUseSystem(path: string): boolean;
export function importFault(path: string, specifier: string): string | undefined;
export const importRule: Rule.RuleModule;

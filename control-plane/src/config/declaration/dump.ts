import { stringify } from 'yaml';
import type { KindState } from './plan';
import { nestedIn, nestedParts, type Section } from './resource-kind';

export interface Dump {
  yaml: string;
  /** Environment variables that the file refers to: secrets that the server never tells. */
  variables: string[];
}

type Tree = Record<string, unknown>;

/** Everything the server has, as a file that `apply` takes; fields that have their default are left out. */
export const dumpStates = (states: readonly KindState[]): Dump => {
  const variables: string[] = [];
  const sections: Record<string, Record<string, Tree>> = {};
  for (const { kind, existing } of states) {
    for (const { name, spec } of existing) {
      const entry = withSecretReferences(kind.section, name, without(spec as Tree, nestedKeys), variables);
      place(sections, kind.section, name, entry);
    }
  }
  return { yaml: stringify({ version: 1, ...sections }, { lineWidth: 0 }), variables };
};

const nestedKeys = Object.values(nestedIn).map((nested) => nested!.key);

const place = (
  sections: Record<string, Record<string, Tree>>,
  section: Section,
  name: string,
  entry: Tree,
): void => {
  const nested = nestedIn[section];
  const [outer, inner] = nested ? nestedParts(name) : [name, ''];
  const target = nested?.section ?? section;
  sections[target] ??= {};
  if (!nested) {
    sections[target][outer] = entry;
    return;
  }
  // What holds it may have no name in the file (a customer without a key).
  const holder = sections[target][outer];
  if (!holder) return;
  holder[nested.key] = { ...(holder[nested.key] as Tree | undefined), [inner]: entry };
};

const without = (spec: Tree, keys: readonly string[]): Tree =>
  Object.fromEntries(Object.entries(spec).filter(([key, value]) => !keys.includes(key) && !isNothing(value)));

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const withSecretReferences = (section: Section, name: string, entry: Tree, variables: string[]): Tree => {
  if (section !== 'channels' || entry.signingSecret === undefined) return escaped(entry);
  const variable = `TOLLGATE_SECRET_${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`;
  variables.push(variable);
  return { ...escaped(entry), signingSecret: `\${env:${variable}}` };
};

/** A literal `${` must not become a reference, except where the server keeps references itself. */
const escaped = (entry: Tree): Tree =>
  JSON.parse(
    JSON.stringify(entry, (key, value: unknown) =>
      typeof value === 'string' && key !== 'token' ? value.replaceAll('${', () => '$${') : value,
    ),
  );

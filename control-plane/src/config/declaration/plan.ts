import type { Existing, ResourceKind } from './resource-kind';

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/** One thing to do so that the server has what the file declares. */
export type Change =
  | { action: 'create'; kind: ResourceKind; name: string; spec: unknown }
  | {
      action: 'update';
      kind: ResourceKind;
      name: string;
      spec: unknown;
      existing: Existing;
      fields: FieldChange[];
    }
  | { action: 'delete'; kind: ResourceKind; name: string; existing: Existing };

export interface Plan {
  /** In the order in which they must be done. */
  changes: Change[];
  unchanged: number;
  /** Changes that cannot be made, each with its remedy; a plan with any is not applied. */
  obstacles: string[];
}

/** What one kind has and should have. */
export interface KindState {
  kind: ResourceKind;
  declared: ReadonlyMap<string, unknown>;
  existing: readonly Existing[];
}

/**
 * What to do so that the server has everything declared, in the order of the kinds; removals come last, in the opposite
 * order. A field that the file leaves open and that has no default is the server's to choose.
 * @param prune whether what is not declared is removed
 */
export const planChanges = (states: readonly KindState[], prune: boolean): Plan => {
  const plan: Plan = { changes: [], unchanged: 0, obstacles: [] };
  for (const state of states) planKind(state, plan);
  if (prune) {
    for (const { kind, declared, existing } of [...states].reverse()) {
      for (const resource of existing) {
        if (!declared.has(resource.name)) {
          plan.changes.push({ action: 'delete', kind, name: resource.name, existing: resource });
        }
      }
    }
  }
  return plan;
};

const planKind = ({ kind, declared, existing }: KindState, plan: Plan): void => {
  const byName = new Map<string, Existing>();
  for (const resource of existing) {
    if (byName.has(resource.name) && declared.has(resource.name)) {
      plan.obstacles.push(
        `${kind.label} "${resource.name}": the server has several of this name; rename or remove all but one`,
      );
    }
    byName.set(resource.name, resource);
  }
  for (const [name, spec] of declared) {
    const resource = byName.get(name);
    if (!resource) {
      plan.changes.push({ action: 'create', kind, name, spec });
      continue;
    }
    const fields = differences(resource.spec, kind.comparable?.(spec) ?? spec);
    const fixed = fields.filter(({ field }) => kind.fixedFields.includes(topOf(field)));
    if (fixed.length > 0) plan.obstacles.push(...fixed.map((change) => obstacle(kind, name, change)));
    else if (fields.length > 0)
      plan.changes.push({ action: 'update', kind, name, spec, existing: resource, fields });
    else plan.unchanged += 1;
  }
};

const topOf = (field: string): string => /^[^.[]*/.exec(field)![0];

const obstacle = (kind: ResourceKind, name: string, { field, before, after }: FieldChange): string =>
  `${kind.label} "${name}": ${field} cannot change (${JSON.stringify(before)} to ${JSON.stringify(after)}); ` +
  `declare another ${kind.label} beside it, or remove this one first`;

/** Fields of `desired` that `current` does not have, by their path; what `desired` leaves undefined is not compared. */
export const differences = (current: unknown, desired: unknown, path = ''): FieldChange[] => {
  // The server does not tell this value; whether it differs cannot be known.
  if (current === masked) return [];
  // Item by item, so that what the server fills in within an item is no difference.
  if (Array.isArray(current) && Array.isArray(desired) && current.length === desired.length) {
    return desired.flatMap((item, index) => differences(current[index], item, `${path}[${index}]`));
  }
  if (!isRecord(current) || !isRecord(desired)) {
    return canonical(current) === canonical(desired)
      ? []
      : [{ field: path, before: current, after: desired }];
  }
  // Free maps (metadata, groupBy) are compared as a whole below the first level: a key that is gone is a change.
  if (path !== '' && Object.keys(current).some((key) => !(key in desired) && isFreeMap(path))) {
    return [{ field: path, before: current, after: desired }];
  }
  return Object.entries(desired)
    .filter(([, value]) => value !== undefined)
    .flatMap(([key, value]) => differences(current[key], value, path === '' ? key : `${path}.${key}`));
};

/** What stands in place of secrets for tokens that may only read. */
const masked = '********';

const freeMaps = new Set(['metadata', 'groupBy', 'filters', 'customHeaders']);
const isFreeMap = (path: string): boolean => freeMaps.has(topOf(path));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    isRecord(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  ) ?? 'undefined';

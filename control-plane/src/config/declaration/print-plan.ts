import type { Change, Plan } from './plan';

const signs = { create: '+', update: '~', delete: '-' } as const;

/**
 * A plan for people, one line a resource and one a changed field.
 * @param isSecret whether a field of a resource came from a secret reference, so that its value is not shown
 */
export const printPlan = (plan: Plan, isSecret: (change: Change, field: string) => boolean): string => {
  const lines = plan.changes.flatMap((change) => [
    `${signs[change.action]} ${change.kind.label} ${change.name}`,
    ...(change.action === 'update'
      ? change.fields.map(({ field, before, after }) =>
          isSecret(change, field)
            ? `    ${field}: (secret)`
            : `    ${field}: ${JSON.stringify(before) ?? 'none'} -> ${JSON.stringify(after)}`,
        )
      : []),
  ]);
  for (const obstacle of plan.obstacles) lines.push(`! ${obstacle}`);
  const count = (action: Change['action']): number =>
    plan.changes.filter((change) => change.action === action).length;
  lines.push(
    `${count('create')} to create, ${count('update')} to change, ${count('delete')} to remove, ${plan.unchanged} unchanged`,
  );
  return lines.join('\n');
};

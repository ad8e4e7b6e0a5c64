import type { IconName } from '../../ui/icon';

/** One thing that happened, as the API shows it. */
export interface Activity {
  id: string;
  at: string;
  kind: 'warned' | 'reached' | 'cut_off' | 'restored' | 'drift_repaired' | 'failed' | 'would_change';
  /** The same for a limit that was reached and the cut-off it caused. */
  group: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  feature: string;
  what: string;
  consequence: string | null;
}

export const activityPath = '/api/v1/overview/activity';

/**
 * The newest first, each once. A limit whose cut-off is there is left out: it was told while the gateway had not answered
 * yet, and the cut-off tells both.
 */
export const mergeActivities = (lists: readonly (readonly Activity[])[], limit: number): Activity[] => {
  const byId = new Map(lists.flat().map((activity) => [activity.id, activity]));
  const all = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const told = new Set(all.filter(({ kind }) => kind !== 'reached').map(({ group }) => group));
  return all.filter(({ kind, group }) => kind !== 'reached' || !told.has(group)).slice(0, limit);
};

interface Look {
  word: string;
  icon: IconName;
  tone: 'in' | 'warned' | 'out' | 'neutral';
}

/** How each kind is shown: a word with an icon, and a colour beside them. */
export const activityLooks: Readonly<Record<Activity['kind'], Look>> = {
  warned: { word: 'Warned', icon: 'warning', tone: 'warned' },
  reached: { word: 'Limit reached', icon: 'out', tone: 'out' },
  cut_off: { word: 'Cut off', icon: 'out', tone: 'out' },
  restored: { word: 'Restored', icon: 'check', tone: 'in' },
  drift_repaired: { word: 'Drift repaired', icon: 'check', tone: 'neutral' },
  failed: { word: 'Failed', icon: 'warning', tone: 'out' },
  would_change: { word: 'Observed', icon: 'pending', tone: 'neutral' },
};

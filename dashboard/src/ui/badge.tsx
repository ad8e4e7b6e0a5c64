import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon';

/** in, warned and out are the states of a customer's access; good news elsewhere is `in`, failures are `out`. */
export type Tone = 'in' | 'warned' | 'out' | 'accent' | 'neutral';

const icons: Partial<Record<Tone, IconName>> = { in: 'check', warned: 'warning', out: 'out' };

/** A state as a word with an icon, never by colour alone. */
export const Badge = ({
  tone = 'neutral',
  icon,
  children,
}: {
  tone?: Tone;
  icon?: IconName;
  children: ReactNode;
}) => {
  const name = icon ?? icons[tone];
  return (
    <span className={`badge badge-${tone}`}>
      {name && <Icon name={name} size={12} />}
      {children}
    </span>
  );
};

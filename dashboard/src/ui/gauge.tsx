import { percentText, quantityText } from '../format/quantity';
import type { Tone } from './badge';

/** From this share on, in percent, a customer counts as warned, as in the rules that the demo and the guides use. */
const warnedFromPercent = 80;

export const toneOfUsage = (used: number, allowed: number): Extract<Tone, 'in' | 'warned' | 'out'> => {
  const percent = allowed > 0 ? (used / allowed) * 100 : used > 0 ? 100 : 0;
  if (percent >= 100) return 'out';
  return percent >= warnedFromPercent ? 'warned' : 'in';
};

export interface GaugeProps {
  used: number;
  allowed: number;
  /** What is measured, for screen readers: "api-requests of acme-inc". */
  label: string;
  tone?: Extract<Tone, 'in' | 'warned' | 'out'>;
}

/** How much of an allowance is used; the figures stand beside it. */
export const Gauge = ({ used, allowed, label, tone = toneOfUsage(used, allowed) }: GaugeProps) => {
  const percent = allowed > 0 ? Math.min(100, (used / allowed) * 100) : used > 0 ? 100 : 0;
  return (
    <div
      className="gauge"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      aria-valuetext={`${quantityText(used)} of ${quantityText(allowed)}, ${percentText(used, allowed)}`}
      data-tone={tone}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
};

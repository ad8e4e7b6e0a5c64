import { useApi } from '../../api/use-api';
import { percentText, quantityText } from '../../format/quantity';
import { Badge } from '../../ui/badge';
import { Gauge } from '../../ui/gauge';
import { Loaded } from '../../ui/loaded';
import { Time } from '../../ui/time';
import { type PortalLimit, portalPath } from './portal';

export const OwnLimits = () => {
  const query = useApi<{ items: PortalLimit[] }>(`${portalPath}/limits`, {}, { everyMs: 10_000 });
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <p className="soft">There are no limits.</p>
        ) : (
          <ul className="shares" aria-label="Limits">
            {items.map((limit) => (
              <LimitRow key={limit.feature} limit={limit} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
};

const LimitRow = ({ limit }: { limit: PortalLimit }) => {
  const access = limit.hasAccess ? <Badge tone="in">available</Badge> : <Badge tone="out">used up</Badge>;
  if (limit.usage === null || limit.allowance === null)
    return (
      <li>
        <div className="row-between">
          <strong>{limit.name}</strong>
          {limit.hasAccess ? <Badge tone="in">included</Badge> : <Badge>not included</Badge>}
        </div>
        {limit.config && <code className="break">{limit.config}</code>}
      </li>
    );
  const used = Number(limit.usage);
  const allowed = Number(limit.allowance);
  return (
    <li>
      <div className="row-between">
        <span>
          <strong>{limit.name}</strong> {access} {limit.isSoftLimit && <Badge>soft limit</Badge>}
        </span>
        <span className="nowrap">
          {quantityText(limit.usage)} <span className="soft">of {quantityText(limit.allowance)}</span>{' '}
          <strong>{percentText(used, allowed)}</strong>
        </span>
      </div>
      <Gauge used={used} allowed={allowed} label={limit.name} />
      <span className="soft small">
        {quantityText(limit.left ?? '0')} left
        {limit.period && (
          <>
            ; renewed <Time at={limit.period.to} />
          </>
        )}
      </span>
    </li>
  );
};

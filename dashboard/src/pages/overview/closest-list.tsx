import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { percentText, quantityText } from '../../format/quantity';
import { exactTime, relativeTime } from '../../format/time';
import { Badge } from '../../ui/badge';
import { CheckField } from '../../ui/fields';
import { Gauge } from '../../ui/gauge';
import { Icon } from '../../ui/icon';
import { Loaded } from '../../ui/loaded';
import { useNow } from '../../ui/use-now';
import { useUrlState } from '../../ui/use-url-state';
import { closestPath, customerHref, type UsedShare } from './overview';

const pageSize = 10;

interface Page {
  items: UsedShare[];
  listed: number;
  totalCount: number;
}

/** Whose allowance is nearest to its end, and when it ends at the present rate. */
export const ClosestList = () => {
  const url = useUrlState();
  const page = Math.max(1, Number.parseInt(url.get('page') ?? '1', 10) || 1);
  const withExhausted = url.get('exhausted') === 'true';
  const query = useApi<Page>(closestPath, { page, pageSize, withExhausted }, { everyMs: 5_000 });
  const turn = (to: number): void => url.change({ page: to === 1 ? undefined : String(to) });
  return (
    <div className="stack-tight">
      <CheckField
        label="Also those that have used all of it"
        isChecked={withExhausted}
        onChange={(isOn) => url.change({ exhausted: isOn ? 'true' : undefined, page: undefined })}
      />
      <Loaded query={query}>
        {({ items, listed, totalCount }) =>
          items.length === 0 ? (
            <p className="soft">
              Nobody is on the way to a limit. Customers appear here once they have a metered entitlement.
            </p>
          ) : (
            <>
              <ul className="shares" aria-label="Closest to their limit">
                {items.map((share) => (
                  <ShareRow key={share.entitlementId} share={share} />
                ))}
              </ul>
              {listed > pageSize && (
                <nav className="list-foot" aria-label="Pages of entitlements">
                  <span aria-live="polite">
                    {quantityText((page - 1) * pageSize + 1)}–
                    {quantityText((page - 1) * pageSize + items.length)} of {quantityText(totalCount)}
                  </span>
                  <span className="row">
                    <button
                      type="button"
                      className="button button-small"
                      disabled={page === 1}
                      onClick={() => turn(page - 1)}
                    >
                      <Icon name="left" size={14} />
                      Previous
                    </button>
                    <button
                      type="button"
                      className="button button-small"
                      disabled={page * pageSize >= listed}
                      onClick={() => turn(page + 1)}
                    >
                      Next
                      <Icon name="right" size={14} />
                    </button>
                  </span>
                </nav>
              )}
            </>
          )
        }
      </Loaded>
    </div>
  );
};

const ShareRow = ({ share }: { share: UsedShare }) => {
  const used = Number(share.usage);
  const allowed = Number(share.allowance);
  const name = share.customerKey ?? share.customerName;
  return (
    <li>
      <div className="row-between">
        <span className="break">
          <Link href={customerHref(share)}>{name}</Link> <span className="soft">{share.feature}</span>{' '}
          {!share.hasAccess && <Badge tone="out">out</Badge>}
          {share.isSoftLimit && <Badge>soft limit</Badge>}
        </span>
        <span className="nowrap">
          {quantityText(share.usage)} <span className="soft">of {quantityText(share.allowance)}</span>{' '}
          <strong>{percentText(used, allowed)}</strong>
        </span>
      </div>
      <Gauge used={used} allowed={allowed} label={`${share.feature} of ${name}`} />
      <Forecast share={share} />
    </li>
  );
};

const Forecast = ({ share }: { share: UsedShare }) => {
  const now = useNow();
  if (share.share >= 1)
    return (
      <span className="soft small">Used up until {exactTime(Date.parse(share.periodTo)).slice(0, 16)}</span>
    );
  if (share.perHour === null) return <span className="soft small">Too little usage for a forecast</span>;
  if (share.exhaustedAt === null)
    return <span className="soft small">Lasts until its period ends, at the present rate</span>;
  const at = Date.parse(share.exhaustedAt);
  return (
    <span className="soft small">
      Used up{' '}
      <time dateTime={share.exhaustedAt} title={exactTime(at)}>
        {relativeTime(at, now)}
      </time>{' '}
      at {quantityText(Math.round(Number(share.perHour)))} an hour
    </span>
  );
};

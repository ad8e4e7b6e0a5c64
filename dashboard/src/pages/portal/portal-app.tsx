import { useApi } from '../../api/use-api';
import { endSession } from '../../session/session';
import { Icon } from '../../ui/icon';
import { Loaded } from '../../ui/loaded';
import { Page, Section } from '../../ui/page';
import { ThemeSwitch } from '../../ui/theme';
import { Time } from '../../ui/time';
import { OwnInvoices } from './own-invoices';
import { OwnLimits } from './own-limits';
import { OwnUsage } from './own-usage';
import { type PortalSelf, portalPath } from './portal';

/** A customer's own view: own usage, own limits, own invoices, one page. */
export const PortalApp = () => {
  const query = useApi<PortalSelf>(`${portalPath}/self`);
  return (
    <div className="portal">
      <header className="row-between portal-head">
        <span className="brand">
          <Icon name="access" size={20} />
          Tollgate
        </span>
        <span className="row">
          <ThemeSwitch />
          <button type="button" className="button button-quiet button-small" onClick={() => endSession()}>
            <Icon name="exit" size={14} />
            Sign out
          </button>
        </span>
      </header>
      <main className="content" id="main" tabIndex={-1}>
        <Loaded query={query}>{(self) => <OwnPage self={self} />}</Loaded>
      </main>
    </div>
  );
};

const OwnPage = ({ self }: { self: PortalSelf }) => (
  <Page
    title={self.customer?.name ?? self.subject}
    lead={
      <>
        What {self.subject} uses. This view ends <Time at={self.expiresAt} />.
      </>
    }
  >
    {self.seesLimits && (
      <Section title="Limits">
        <OwnLimits />
      </Section>
    )}
    <Section title="Usage">
      <OwnUsage meters={self.meters} />
    </Section>
    {self.seesInvoices && (
      <Section title="Invoices">
        <OwnInvoices />
      </Section>
    )}
    {!self.seesLimits && (
      <p className="note">
        {self.customer
          ? 'Limits and invoices are those of the whole customer, and are not shown for one of its subjects.'
          : 'This subject belongs to no customer yet, so there are no limits and no invoices.'}
      </p>
    )}
  </Page>
);

import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { dateText } from '../../format/time';
import { Badge } from '../../ui/badge';
import { CopyAsCurl } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { ExactTime, Time } from '../../ui/time';
import { customerHref } from '../customers/customer';
import { type Invoice, invoiceName, invoicesPath, invoiceTone, stateWords } from './invoice';
import { InvoiceActions } from './invoice-actions';
import { InvoiceLines } from './invoice-lines';

export const InvoiceSheet = ({ id, onClose }: { id: string; onClose: () => void }) => {
  const path = `${invoicesPath}/${encodeURIComponent(id)}`;
  const query = useApi<Invoice>(path, { expand: ['lines'] }, { everyMs: 10_000 });
  return (
    <Sheet
      isWide
      title={query.data ? `${invoiceName(query.data)} of ${query.data.customer.name}` : 'Invoice'}
      onClose={onClose}
      actions={
        query.data && (
          <>
            <Badge tone={invoiceTone(query.data)}>
              {stateWords(query.data.statusDetails.extendedStatus)}
            </Badge>
            <CopyAsCurl path={path} />
          </>
        )
      }
    >
      <Loaded query={query}>
        {(invoice) => (
          <>
            <Facts
              facts={[
                ['Number', invoice.number],
                [
                  'Customer',
                  <Link key="customer" href={customerHref(invoice.customer.key ?? invoice.customer.id)}>
                    {invoice.customer.name}
                  </Link>,
                ],
                [
                  'Period',
                  invoice.period &&
                    `${dateText(Date.parse(invoice.period.from))} to ${dateText(Date.parse(invoice.period.to))}`,
                ],
                ['Description', invoice.description],
                ['Collected', invoice.collectionAt && <Time key="collected" at={invoice.collectionAt} />],
                ['Draft until', invoice.draftUntil && <Time key="draft" at={invoice.draftUntil} />],
                ['Issued', invoice.issuedAt && <ExactTime key="issued" at={invoice.issuedAt} />],
                ['Due', invoice.dueAt && <Time key="due" at={invoice.dueAt} />],
                ['Voided', invoice.voidedAt && <ExactTime key="voided" at={invoice.voidedAt} />],
              ]}
            />
            {invoice.status === 'gathering' && (
              <p className="note">It still gathers: this is what it would bill if its period ended now.</p>
            )}
            <InvoiceLines invoice={invoice} />
            <InvoiceActions invoice={invoice} onGone={onClose} />
          </>
        )}
      </Loaded>
    </Sheet>
  );
};

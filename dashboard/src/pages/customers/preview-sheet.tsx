import { useApi } from '../../api/use-api';
import { dateText } from '../../format/time';
import { CopyAsCurl } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Section } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { type Invoice, invoicesPath } from '../invoices/invoice';
import { InvoiceLines } from '../invoices/invoice-lines';
import type { Customer } from './customer';

/** What the next invoice would bill if its period ended now, down to what the meters say. */
export const PreviewSheet = ({ customer, onClose }: { customer: Customer; onClose: () => void }) => {
  const asked = {
    customers: [customer.id],
    statuses: ['gathering'],
    expand: ['lines'],
    page: 1,
    pageSize: 10,
  };
  const query = useApi<{ items: Invoice[] }>(invoicesPath, asked, { everyMs: 5_000 });
  return (
    <Sheet
      isWide
      title={`Invoice preview for ${customer.name}`}
      onClose={onClose}
      actions={<CopyAsCurl path={invoicesPath} query={asked} />}
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <p>Nothing would be billed: no line waits for {customer.name}.</p>
          ) : (
            items.map((invoice) => (
              <Section
                key={invoice.id}
                title={
                  invoice.period
                    ? `${dateText(Date.parse(invoice.period.from))} to ${dateText(Date.parse(invoice.period.to))}`
                    : invoice.currency
                }
              >
                <InvoiceLines invoice={invoice} />
              </Section>
            ))
          )
        }
      </Loaded>
    </Sheet>
  );
};

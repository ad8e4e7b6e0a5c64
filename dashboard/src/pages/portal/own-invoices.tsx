import { useApi } from '../../api/use-api';
import { moneyText, quantityText } from '../../format/quantity';
import { dateText } from '../../format/time';
import { Badge, type Tone } from '../../ui/badge';
import { Loaded } from '../../ui/loaded';
import { type PortalInvoice, type PortalLine, portalPath } from './portal';

const statusWords: Readonly<Record<string, string>> = {
  gathering: 'upcoming',
  payment_processing: 'payment under way',
};

const statusTones: Readonly<Record<string, Tone>> = { paid: 'in', overdue: 'out', gathering: 'accent' };

export const OwnInvoices = () => {
  const query = useApi<{ items: PortalInvoice[] }>(`${portalPath}/invoices`, { pageSize: 25 });
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <p className="soft">There is no invoice yet.</p>
        ) : (
          <ul className="stack-tight" aria-label="Invoices">
            {items.map((invoice) => (
              <li key={invoice.id}>
                <InvoiceDetails invoice={invoice} />
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
};

const periodText = ({ from, to }: { from: string; to: string }): string =>
  `${dateText(Date.parse(from))} to ${dateText(Date.parse(to))}`;

const InvoiceDetails = ({ invoice }: { invoice: PortalInvoice }) => (
  <details className="unfold">
    <summary>
      <span className="row-between">
        <span className="row">
          <strong>{invoice.status === 'gathering' ? 'Next invoice' : invoice.number}</strong>
          <Badge tone={statusTones[invoice.status] ?? 'neutral'}>
            {statusWords[invoice.status] ?? invoice.status}
          </Badge>
          {invoice.period && <span className="soft">{periodText(invoice.period)}</span>}
        </span>
        <strong>{moneyText(invoice.total, invoice.currency)}</strong>
      </span>
    </summary>
    <ul className="stack-tight unfold-body">
      {invoice.lines.map((line) => (
        <LineRow key={`${line.name} ${line.period.from}`} line={line} currency={invoice.currency} />
      ))}
    </ul>
  </details>
);

const LineRow = ({ line, currency }: { line: PortalLine; currency: string }) => (
  <li>
    <div className="row-between">
      <span>
        {line.name} <span className="soft small">{periodText(line.period)}</span>
      </span>
      <span className="nowrap">{moneyText(line.total, currency)}</span>
    </div>
    {line.details.map((detail) => (
      <div key={detail.name} className="row-between soft small">
        <span>{detail.name}</span>
        <span className="nowrap">
          {quantityText(detail.quantity)} × {moneyText(detail.perUnitAmount, currency)}
        </span>
      </div>
    ))}
  </li>
);

import { useState } from 'react';
import { Link } from 'wouter';
import { moneyText, quantityText } from '../../format/quantity';
import { dateText, minuteText } from '../../format/time';
import { Icon } from '../../ui/icon';
import { Facts } from '../../ui/page';
import { featureHref } from '../features/feature';
import { priceWords } from '../plans/price-words';
import type { Invoice, InvoiceLine } from './invoice';

/** The lines of an invoice; each unfolds to how its amount comes about, down to what the meter says. */
export const InvoiceLines = ({ invoice }: { invoice: Invoice }) => {
  const lines = invoice.lines ?? [];
  return (
    <div className="table-box">
      <table className="table" aria-label="Invoice lines">
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col" className="number">
              Quantity
            </th>
            <th scope="col" className="number">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <LineRows key={line.id} line={line} />
          ))}
          {lines.length === 0 && (
            <tr>
              <td colSpan={3} className="soft">
                It has no lines yet.
              </td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              Total
            </th>
            <td className="number">
              <strong>{moneyText(invoice.totals.total, invoice.currency)}</strong>
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
};

const LineRows = ({ line }: { line: InvoiceLine }) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <tr>
        <td>
          <button
            type="button"
            className="button button-quiet button-small"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name={isOpen ? 'down' : 'right'} size={14} />
            {line.name}
          </button>
        </td>
        <td className="number">{line.quantity === undefined ? '–' : quantityText(line.quantity)}</td>
        <td className="number">{moneyText(line.totals.total, line.currency)}</td>
      </tr>
      {isOpen && (
        <tr>
          <td colSpan={3}>
            <LineDetail line={line} />
          </td>
        </tr>
      )}
    </>
  );
};

const LineDetail = ({ line }: { line: InvoiceLine }) => (
  <div className="group">
    <Facts
      facts={[
        ['Price', priceWords(line.price, line.currency)],
        [
          'Period',
          <span
            key="period"
            title={`${minuteText(Date.parse(line.period.from))} to ${minuteText(Date.parse(line.period.to))}`}
          >
            {dateText(Date.parse(line.period.from))} to {dateText(Date.parse(line.period.to))}
          </span>,
        ],
        [
          'Feature',
          line.featureKey && (
            <Link key="feature" href={featureHref(line.featureKey)}>
              {line.featureKey}
            </Link>
          ),
        ],
        ['Metered', line.meteredQuantity === undefined ? undefined : quantityText(line.meteredQuantity)],
        ...line.discounts.usage.map(
          ({ quantity }) => ['Free of charge', `${quantityText(quantity)} of the usage`] as const,
        ),
        ['Billed quantity', line.quantity === undefined ? undefined : quantityText(line.quantity)],
      ]}
    />
    {line.children.length > 0 && (
      <table className="table" aria-label={`How ${line.name} is computed`}>
        <tbody>
          {line.children.map((part) => (
            <tr key={part.id}>
              <td>
                {part.name}
                {part.category === 'commitment' && <span className="soft"> (minimum spend)</span>}
                {part.discounts.amount.map(({ id, amount, reason }) => (
                  <div className="soft small" key={id}>
                    − {moneyText(amount, line.currency)}{' '}
                    {reason.type === 'maximum_spend'
                      ? 'beyond the maximum spend'
                      : `discount of ${reason.percentage} %`}
                  </div>
                ))}
              </td>
              <td className="number">
                {quantityText(part.quantity)} × {moneyText(part.perUnitAmount, line.currency)}
              </td>
              <td className="number">{moneyText(part.totals.total, line.currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </div>
);

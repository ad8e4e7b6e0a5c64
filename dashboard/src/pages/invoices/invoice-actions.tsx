import { useState } from 'react';
import { useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { TextField } from '../../ui/fields';
import { Form } from '../../ui/form';
import { tell, tellProblem } from '../../ui/toasts';
import { type Invoice, invoicesPath, stateWords } from './invoice';

/** What the server says can be done with it now, under the words for it and its path. */
const simple: Record<string, { label: string; path: string }> = {
  advance: { label: 'Advance', path: 'advance' },
  approve: { label: 'Approve and issue', path: 'approve' },
  retry: { label: 'Try to collect again', path: 'retry' },
  snapshotQuantities: { label: 'Fix the quantities now', path: 'snapshot-quantities' },
};

export const InvoiceActions = ({ invoice, onGone }: { invoice: Invoice; onGone: () => void }) => {
  const { run, isRunning } = useChange<Invoice>(invoicesPath);
  const [isVoiding, setVoiding] = useState(false);
  const path = `${invoicesPath}/${invoice.id}`;
  const actions = Object.keys(invoice.statusDetails.availableActions);
  const act = async (name: string, label: string): Promise<void> => {
    try {
      const next = await run({ path: `${path}/${name}` });
      tell(`${label}: invoice ${next.number} is now ${stateWords(next.statusDetails.extendedStatus)}.`);
    } catch (error) {
      tellProblem(error);
    }
  };
  return (
    <div className="stack-tight">
      <div className="row">
        {actions.map((name) => {
          const action = simple[name];
          return (
            action && (
              <button
                key={name}
                type="button"
                className="button"
                disabled={isRunning}
                onClick={() => void act(action.path, action.label)}
              >
                {action.label}
              </button>
            )
          );
        })}
        {invoice.status === 'gathering' && (
          <button
            type="button"
            className="button"
            disabled={isRunning}
            onClick={async () => {
              try {
                await run({ path: `${invoicesPath}/invoice`, body: { customerId: invoice.customer.id } });
                tell('Invoiced the lines that are due.');
              } catch (error) {
                tellProblem(error);
              }
            }}
          >
            Invoice what is due
          </button>
        )}
        {actions.includes('void') && (
          <button type="button" className="button button-danger" onClick={() => setVoiding(true)}>
            Void …
          </button>
        )}
        {actions.includes('delete') && (
          <ConfirmButton
            label="Delete draft"
            question={`Delete the draft ${invoice.number}? Its lines are not billed.`}
            onConfirm={async () => {
              await run({ method: 'DELETE', path });
              tell(`Deleted the draft ${invoice.number}.`);
              onGone();
            }}
          />
        )}
      </div>
      {isVoiding && <VoidForm invoice={invoice} onDone={() => setVoiding(false)} />}
    </div>
  );
};

const VoidForm = ({ invoice, onDone }: { invoice: Invoice; onDone: () => void }) => {
  const [reason, setReason] = useState('');
  const { run } = useChange<Invoice>(invoicesPath);
  return (
    <div className="group">
      <Form
        isDanger
        submitLabel="Void the invoice"
        onCancel={onDone}
        onSubmit={async () => {
          await run({
            path: `${invoicesPath}/${invoice.id}/void`,
            body: { action: { percentage: 100, action: { type: 'discard' } }, reason },
          });
          tell(`Invoice ${invoice.number} is void.`);
          onDone();
        }}
      >
        <TextField label="Reason" path="$.reason" isRequired value={reason} onChange={setReason} />
      </Form>
    </div>
  );
};

import { useChange } from '../../api/use-api';
import { TextAreaField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { PickField } from '../../ui/pick-field';
import { tell } from '../../ui/toasts';
import { type Customer, customersPath } from '../customers/customer';
import { eventsPath } from './ingested-event';

interface Draft {
  type: string;
  subject: string;
  data: string;
}

/** Sends one event as the plugin would; it counts like any other. */
export const SendEventForm = ({ onDone }: { onDone: () => void }) => {
  const [draft, change] = useDraft<Draft>({
    type: 'kong.api_request',
    subject: '',
    data: '{\n  "route_name": "orders"\n}',
  });
  const { run } = useChange(eventsPath, customersPath, '/api/v1/meters');

  const send = async (): Promise<void> => {
    let data: unknown;
    try {
      data = draft.data.trim() === '' ? undefined : JSON.parse(draft.data);
    } catch (error) {
      throw new Error(`the data is not JSON: ${(error as Error).message}`);
    }
    await run({
      path: '/api/v1/events',
      contentType: 'application/cloudevents+json',
      body: {
        specversion: '1.0',
        id: `test-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`,
        source: 'tollgate-dashboard',
        type: draft.type,
        subject: draft.subject,
        time: new Date().toISOString(),
        ...(data === undefined ? {} : { data }),
      },
    });
    tell('The event is stored and counted.');
    onDone();
  };

  return (
    <Form submitLabel="Send" onSubmit={send} onCancel={onDone}>
      <p>It is a usage event like any other: it counts, and can bring a customer to its limit.</p>
      <TextField
        label="Type"
        path="$.type"
        isRequired
        value={draft.type}
        onChange={(type) => change({ type })}
        suggestions={['kong.api_request', 'kong.llm_request']}
      />
      <PickField<Customer>
        label="Subject"
        path="$.subject"
        isRequired
        value={draft.subject}
        onChange={(subject) => change({ subject })}
        listPath={customersPath}
        valueOf={({ key, usageAttribution, id }) => key ?? usageAttribution.subjectKeys[0] ?? id}
        hint="Whose usage it is: a customer's key, or another of its subjects."
      />
      <TextAreaField
        label="Data"
        isCode
        rows={6}
        value={draft.data}
        onChange={(data) => change({ data })}
        hint="JSON."
      />
    </Form>
  );
};

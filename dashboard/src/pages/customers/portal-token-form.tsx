import { useState } from 'react';
import { useChange } from '../../api/use-api';
import { Code } from '../../ui/copy-button';
import { SelectField } from '../../ui/fields';
import { Form } from '../../ui/form';
import { Section } from '../../ui/page';
import { ExactTime } from '../../ui/time';
import type { Customer } from './customer';

interface PortalToken {
  token: string;
  subject: string;
  expiresAt: string;
}

const hourMs = 3_600_000;
const lifetimes = [
  { value: '1', label: 'an hour' },
  { value: '24', label: 'a day' },
  { value: '720', label: '30 days' },
];

/** Makes a token with which the customer sees its own usage, limits and invoices, and nothing else. It is shown once. */
export const PortalTokenForm = ({ customer }: { customer: Customer }) => {
  const subjects = [
    ...new Set([...(customer.key ? [customer.key] : []), ...customer.usageAttribution.subjectKeys]),
  ];
  const [subject, setSubject] = useState(subjects[0] ?? '');
  const [hours, setHours] = useState('24');
  const [made, setMade] = useState<PortalToken>();
  const { run } = useChange<PortalToken>('/api/v1/portal/tokens');
  if (subjects.length === 0) return null;
  return (
    <Section title="Portal token">
      <p className="soft">
        With it {customer.name} can sign in here and sees its own usage, limits and invoices only.
      </p>
      {made ? (
        <div className="stack-tight">
          <p>
            The token of {made.subject}, in force until <ExactTime at={made.expiresAt} />. It is shown only
            now.
          </p>
          <Code text={made.token} what="portal token" />
        </div>
      ) : (
        <Form
          submitLabel="Make a portal token"
          onSubmit={async () => {
            const expiresAt = new Date(Date.now() + Number(hours) * hourMs).toISOString();
            setMade(await run({ path: '/api/v1/portal/tokens', body: { subject, expiresAt } }));
          }}
        >
          <div className="fields-2">
            <SelectField
              label="Subject"
              path="$.subject"
              value={subject}
              onChange={setSubject}
              options={subjects.map((value) => ({ value, label: value }))}
            />
            <SelectField
              label="In force for"
              path="$.expiresAt"
              value={hours}
              onChange={setHours}
              options={lifetimes}
            />
          </div>
        </Form>
      )}
    </Section>
  );
};

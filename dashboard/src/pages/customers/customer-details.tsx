import { Facts } from '../../ui/page';
import { Time } from '../../ui/time';
import type { Customer } from './customer';
import { PortalTokenForm } from './portal-token-form';

export const CustomerDetails = ({ customer }: { customer: Customer }) => (
  <>
    <Facts
      facts={[
        ['Name', customer.name],
        ['Key', customer.key && <code key="key">{customer.key}</code>],
        ['Description', customer.description],
        [
          'Subjects',
          customer.usageAttribution.subjectKeys.length > 0 && (
            <code key="subjects">{customer.usageAttribution.subjectKeys.join(', ')}</code>
          ),
        ],
        ['E-mail', customer.primaryEmail],
        ['Currency', customer.currency],
        ['Address', customer.billingAddress && Object.values(customer.billingAddress).join(', ')],
        ...Object.entries(customer.metadata),
        ['Id', <code key="id">{customer.id}</code>],
        ['Created', <Time key="created" at={customer.createdAt} />],
        ['Changed', <Time key="changed" at={customer.updatedAt} />],
      ]}
    />
    <PortalTokenForm customer={customer} />
  </>
);

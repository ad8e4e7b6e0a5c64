import { z } from 'zod';
import type { Customer } from '../../customers';
import { optionalTimeText, timeText, toTimeText } from '../openmeter/fields';
import { labelsAnswer } from './fields';

export const addressSchema = z.object({
  country: z.string().optional(),
  postal_code: z.string().optional(),
  state: z.string().optional(),
  city: z.string().optional(),
  line1: z.string().optional(),
  line2: z.string().optional(),
  phone_number: z.string().optional(),
});

export const customerSchema = z
  .object({
    id: z.string(),
    key: z.string().describe('The id where the customer has no key.'),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer,
    usage_attribution: z.object({ subject_keys: z.array(z.string()) }),
    primary_email: z.string().optional(),
    currency: z.string().optional(),
    billing_address: addressSchema.optional(),
    created_at: timeText,
    updated_at: timeText,
    deleted_at: timeText.optional(),
  })
  .meta({ id: 'KonnectCustomer' });

/** A customer in v3's shape. */
export const customerAnswer = (customer: Customer): z.input<typeof customerSchema> => {
  const address = customer.billingAddress;
  return {
    id: customer.id,
    key: customer.key ?? customer.id,
    name: customer.name,
    description: customer.description ?? undefined,
    labels: customer.metadata,
    usage_attribution: { subject_keys: customer.subjectKeys },
    primary_email: customer.primaryEmail ?? undefined,
    currency: customer.currency ?? undefined,
    billing_address: address
      ? {
          country: address.country,
          postal_code: address.postalCode,
          state: address.state,
          city: address.city,
          line1: address.line1,
          line2: address.line2,
          phone_number: address.phoneNumber,
        }
      : undefined,
    created_at: toTimeText(customer.createdAt),
    updated_at: toTimeText(customer.updatedAt),
    deleted_at: optionalTimeText(customer.deletedAt),
  };
};

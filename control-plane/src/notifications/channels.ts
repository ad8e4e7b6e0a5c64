import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { invalid, notFound } from '../primitives/refusal';
import type { Database, Queryable } from '../storage';
import type { Channel, ChannelInput } from './channel';
import { type ChannelOrder, findChannels, listChannels, saveChannel } from './channel-store';
import { checkChannel } from './check-channel';
import { newSigningSecret } from './delivery/signature';
import type { Page, PageRequest } from './page';
import { ruleIdsOfChannel } from './rule-store';

export interface ChannelsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  allowPrivateDestinations: boolean;
}

/** The channels as they are administered. Deleted ones stay readable, since events refer to them. */
export const createChannels = ({ database, clock, newId, allowPrivateDestinations }: ChannelsOptions) => {
  const get = async (queryable: Queryable, id: string, forUpdate = false): Promise<Channel> => {
    const [channel] = await findChannels(queryable, [id], { forUpdate });
    if (!channel) throw notFound('notification channel', id);
    return channel;
  };

  return {
    create: async (input: ChannelInput): Promise<Channel> => {
      checkChannel(input, allowPrivateDestinations);
      const now = clock.now();
      const channel: Channel = {
        ...input,
        id: newId(),
        type: 'WEBHOOK',
        signingSecret: input.signingSecret ?? newSigningSecret(),
        createdAt: now,
        updatedAt: now,
        deletedAt: null,
      };
      await saveChannel(database, channel);
      return channel;
    },

    /** Replaces a channel; without a signing secret it keeps the one it has. */
    replace: (id: string, input: ChannelInput): Promise<Channel> =>
      database.transaction(async (transaction) => {
        const present = await get(transaction, id, true);
        if (present.deletedAt !== null) {
          throw invalid('channel_deleted', 'a deleted channel cannot be changed; create a new one');
        }
        checkChannel(input, allowPrivateDestinations);
        const channel: Channel = {
          ...present,
          ...input,
          signingSecret: input.signingSecret ?? present.signingSecret,
          updatedAt: clock.now(),
        };
        await saveChannel(transaction, channel);
        return channel;
      }),

    get: (id: string): Promise<Channel> => get(database, id),

    list: (
      request: PageRequest<ChannelOrder> & { includeDisabled: boolean; includeDeleted: boolean },
    ): Promise<Page<Channel>> => listChannels(database, request),

    /** Deletes a channel that no rule sends over; what is still to be delivered fails. */
    remove: (id: string): Promise<void> =>
      database.transaction(async (transaction) => {
        const channel = await get(transaction, id, true);
        const ruleIds = await ruleIdsOfChannel(transaction, id);
        if (ruleIds.length > 0) {
          throw invalid(
            'channel_in_use',
            `the channel is used by the rules ${ruleIds.slice(0, 10).join(', ')}; remove it from them first`,
          );
        }
        if (channel.deletedAt !== null) return;
        await saveChannel(transaction, { ...channel, updatedAt: clock.now(), deletedAt: clock.now() });
      }),
  };
};

export type Channels = ReturnType<typeof createChannels>;

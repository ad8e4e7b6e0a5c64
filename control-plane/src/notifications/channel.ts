/** Where notifications are sent. */
export interface Channel {
  id: string;
  type: 'WEBHOOK';
  name: string;
  url: string;
  /** Sent with every webhook; they often hold a secret that the receiver checks. */
  customHeaders: Record<string, string>;
  signingSecret: string;
  isDisabled: boolean;
  metadata: Record<string, string>;
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** A channel as it is asked for. */
export interface ChannelInput {
  name: string;
  url: string;
  customHeaders: Record<string, string>;
  /** Undefined for a new one, or for the present one of a channel that is replaced. */
  signingSecret: string | undefined;
  isDisabled: boolean;
  metadata: Record<string, string>;
}

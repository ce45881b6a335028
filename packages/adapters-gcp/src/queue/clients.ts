import type { protos, v1 } from '@google-cloud/pubsub';

export type PublisherClient = InstanceType<typeof v1.PublisherClient>;
export type SubscriberClient = InstanceType<typeof v1.SubscriberClient>;
export type SubscriptionSpec = protos.google.pubsub.v1.ISubscription;
export type ReceivedMessage = protos.google.pubsub.v1.IReceivedMessage;

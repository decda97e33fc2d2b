import { SQSClient } from '@aws-sdk/client-sqs';
import { CREDENTIALS, REGION } from '../../local/account';
import { type LocalSqs, startSqs } from '../../local/sqs';

/** A local SQS, and a client of it. */
export async function openSqs(): Promise<{
  readonly sqs: LocalSqs;
  readonly client: SQSClient;
  readonly close: () => Promise<void>;
}> {
  const sqs = await startSqs();
  const client = new SQSClient({
    endpoint: sqs.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
  });
  const close = () => {
    client.destroy();
    return sqs.close();
  };
  return { sqs, client, close };
}

/** DynamoDB through the AWS SDK: the transport of the workers. */
import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoCall, Operation, Operations } from './dynamo';

type Send = { [O in Operation]: (input: Operations[O][0]) => Promise<Operations[O][1]> };

export function dynamoOverSdk(client: DynamoDBClient): DynamoCall {
  const send: Send = {
    BatchGetItem: (input) => client.send(new BatchGetItemCommand(input)),
    GetItem: (input) => client.send(new GetItemCommand(input)),
    Query: (input) => client.send(new QueryCommand(input)),
    UpdateItem: (input) => client.send(new UpdateItemCommand(input)),
  };
  return (operation, input) => send[operation](input);
}

/** DynamoDB through the AWS SDK: the transport of the workers. What it throws says so: a job shows it to its reader. */
import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { reasonOf } from '../core/errors';
import type { DynamoCall, Operation, Operations } from './dynamo';

type Send = { [O in Operation]: (input: Operations[O][0]) => Promise<Operations[O][1]> };

export function dynamoOverSdk(client: DynamoDBClient): DynamoCall {
  const send: Send = {
    BatchGetItem: (input) => client.send(new BatchGetItemCommand(input)),
    GetItem: (input) => client.send(new GetItemCommand(input)),
    Query: (input) => client.send(new QueryCommand(input)),
    UpdateItem: (input) => client.send(new UpdateItemCommand(input)),
  };
  return async (operation, input) => {
    try {
      return await send[operation](input);
    } catch (cause) {
      throw named(operation, cause);
    }
  };
}

/** `DynamoDB, UpdateItem: Rate exceeded`, by the same name. */
function named(operation: Operation, cause: unknown): Error {
  const error = new Error(`DynamoDB, ${operation}: ${reasonOf(cause)}`, { cause });
  if (cause instanceof Error) error.name = cause.name;
  return error;
}

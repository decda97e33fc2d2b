/**
 * The recorder: Lambda@Edge, origin-response.
 *
 * It is deployed in us-east-1, whatever the stack's region: elsewhere it gets a stack of its own, `NAME-REGION-edge`.
 * Its role may read and write one table (its site's items, where that is shared), and write logs. Function and versions
 * stay when they are replaced or the stack is deleted: CloudFront's replicas of them cannot be deleted for hours (CFDG,
 * lambda-edge-delete-replicas). Its tag tells `isr cleanup` later whose it was.
 * @module
 */
import {
  ArnFormat,
  Aws,
  Duration,
  RemovalPolicy,
  Stack,
  Stage,
  Tags,
  Token,
  Validations,
} from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { STACK_TAG } from '../core/config';
import { bundleOf, HANDLER, RUNTIME, sourceOf } from './private/bundle';
import { globalName, type Settings } from './private/settings';
import { graphRights } from './table';

/** CFDG, lambda-at-edge-function-restrictions. */
const EDGE_REGION = 'us-east-1';
/** Past its own deadline (2.5 s at most) it has long answered; this only ends what hangs. */
const TIMEOUT = Duration.seconds(5);

export function recorder(
  scope: Construct,
  settings: Settings,
): cloudfront.experimental.EdgeFunction {
  const { name } = settings;
  const edgeStack = edgeStackOf(scope, settings);
  const edgeScope = edgeStack ?? scope;
  const logGroupName = `/edge-isr/${name}/recorder`; // the same in every region (CFDG, edge-functions-logs)
  const edgeFunction = new cloudfront.experimental.EdgeFunction(scope, 'Recorder', {
    ...(edgeStack && { stackId: edgeStack.node.id }),
    description: sourceOf('recorder'),
    code: bundleOf('recorder'),
    handler: HANDLER,
    runtime: RUNTIME,
    architecture: lambda.Architecture.X86_64, // CFDG, lambda-at-edge-function-restrictions
    memorySize: 256, // CPU grows with it: a cold TLS connection to the table has to fit the deadline
    timeout: TIMEOUT,
    logGroup: logs.LogGroup.fromLogGroupName(edgeScope, 'RecorderLogs', logGroupName),
    role: roleFor(edgeScope, settings, logGroupName),
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
  });
  edgeFunction.lambda.applyRemovalPolicy(RemovalPolicy.RETAIN);
  Tags.of(edgeFunction.lambda).add(STACK_TAG, Aws.STACK_ID, {
    includeResourceTypes: [lambda.CfnFunction.CFN_RESOURCE_TYPE_NAME], // below it is a parameter
  });
  return edgeFunction;
}

/** Undefined when the stack itself is in us-east-1. */
function edgeStackOf(scope: Construct, settings: Settings): Stack | undefined {
  if (settings.region === EDGE_REGION) return undefined;
  const stack = Stack.of(scope);
  const stackName = `${globalName(settings)}-edge`;
  return new Stack(Stage.of(scope) ?? stack.node.root, stackName, {
    stackName,
    description: `The edge of ${stack.stackName}: Lambda@Edge lives in ${EDGE_REGION}`,
    env: { region: EDGE_REGION, account: stack.account },
    tags: stack.tags.tagValues(),
  });
}

function roleFor(scope: Construct, settings: Settings, logGroupName: string): iam.Role {
  const { tableName: resourceName, region, site } = settings;
  const resource = { service: 'dynamodb', region, resource: 'table', resourceName };
  const table = settings.table ?? { tableArn: Stack.of(scope).formatArn(resource) };
  const logGroupArn = Stack.of(scope).formatArn({
    service: 'logs',
    region: '*',
    resource: 'log-group',
    resourceName: `${logGroupName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const role = new iam.Role(scope, 'RecorderRole', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'), // EdgeFunction adds edgelambda.amazonaws.com
    description: `edge-isr: ${sourceOf('recorder')}`,
  });
  role.addToPolicy(graphRights({ table, site }, ['BatchGetItem', 'UpdateItem']));
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroupArn],
    }),
  );
  acknowledge(role, logGroupName);
  return role;
}

function acknowledge(role: iam.Role, logGroupName: string): void {
  const { partition, account } = Stack.of(role);
  const shown = (value: string, name: string) => (Token.isUnresolved(value) ? name : value);
  const arn = `arn:${shown(partition, '<AWS::Partition>')}:logs:*:${shown(account, '<AWS::AccountId>')}`;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${arn}:log-group:${logGroupName}:*]`,
    reason:
      'Lambda@Edge writes its logs in the region where it runs, whichever that is; the log group is the recorder’s own.',
  });
}

/**
 * A worker: one function with a log group and a role of its own, which may write to that group and nothing else.
 * Each part adds the few rights that it needs.
 * @module
 */
import type { Duration } from 'aws-cdk-lib';
import { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { bundleOf, type FunctionName, HANDLER, RUNTIME, sourceOf } from './bundle';

export interface WorkerProps {
  readonly name: FunctionName;
  readonly timeout: Duration;
  /** MiB; the share of a CPU grows with it. */
  readonly memorySize: number;
  readonly environment: Record<string, string>;
  readonly logRetention: logs.RetentionDays;
}

export function worker(scope: Construct, props: WorkerProps): lambda.Function {
  const { name, timeout, memorySize, environment, logRetention } = props;
  const logGroup = new logs.LogGroup(scope, 'Logs', {
    retention: logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new iam.Role(scope, 'Role', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    description: `edge-isr: ${sourceOf(name)}`,
  });
  logGroup.grantWrite(role);
  return new lambda.Function(scope, 'Function', {
    description: sourceOf(name),
    code: bundleOf(name),
    handler: HANDLER,
    runtime: RUNTIME,
    architecture: lambda.Architecture.ARM_64,
    timeout,
    memorySize,
    environment,
    logGroup,
    role,
  });
}

/**
 * The authorizer of a bearer API: one function that may read one secret.
 *
 *     Authorization: Bearer …     no such header, or another scheme: 401, without asking it
 *                                 not the secret's: 403
 *
 * The gateway keeps none of its rulings (it would keep a token that was taken back, and refuse a new one); the function
 * keeps the secret for five minutes.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { BEARER_PATTERN } from '../core/api';
import { ENV } from '../core/config';
import { worker } from './private/worker';

export class Authorizer extends Construct {
  readonly function: lambda.Function;
  readonly authorizer: apigateway.TokenAuthorizer;

  constructor(scope: Construct, secret: secretsmanager.ISecret, logRetention: logs.RetentionDays) {
    super(scope, 'Authorizer');
    this.function = worker(this, {
      name: 'authorizer',
      timeout: Duration.seconds(10),
      memorySize: 256,
      environment: { [ENV.tokenSecretArn]: secret.secretArn },
      logRetention,
    });
    grantToken(secret, this.function, ['AWSCURRENT', 'AWSPREVIOUS']);
    this.authorizer = new apigateway.TokenAuthorizer(this, 'Token', {
      handler: this.function,
      validationRegex: BEARER_PATTERN,
      resultsCacheTtl: Duration.seconds(0),
    });
  }
}

/**
 * Lets somebody read these versions of the secret, and no more (`ISecret.grantRead` lets a role read all of them), also
 * where it has a key of its own, whose policy lets roles of its account use it as the CDK's and the console's do.
 */
export function grantToken(
  secret: secretsmanager.ISecret,
  grantee: iam.IGrantable,
  versions: string[],
): iam.Grant {
  if (secret.encryptionKey) {
    const service = `secretsmanager.${secret.env.region}.amazonaws.com`;
    iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:Decrypt'],
      resourceArns: [secret.encryptionKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': service } },
    });
  }
  return iam.Grant.addToPrincipal({
    grantee,
    actions: ['secretsmanager:GetSecretValue'],
    resourceArns: [secret.secretFullArn ?? `${secret.secretArn}-??????`], // a name alone lacks the suffix
    conditions: { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': versions } },
  });
}

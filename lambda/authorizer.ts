/** API Gateway's authorizer for `ApiAuth.bearer`: whether `Authorization: Bearer …` is a token of the API's secret. */
import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import { systemClock as clock } from '../aws/clock';
import { readSecretVersions } from '../aws/secrets';
import { credentialsFrom } from '../aws/sigv4';
import { authorizerConfig } from '../core/config';
import { reasonOf } from '../core/errors';
import { Tokens } from '../core/tokens';

const { secretArn } = authorizerConfig(process.env);
const tokens = new Tokens({
  read: () =>
    readSecretVersions({
      secretArn,
      endpoint: process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER,
      credentials: () => credentialsFrom(process.env),
      timeoutMs: 3_000,
      now: clock.now,
    }),
  clock,
  report: (thrown) => console.error(JSON.stringify({ error: reasonOf(thrown) })),
});

/** What it throws is a 5xx: nobody is let in, and nobody is told that the token was wrong. */
export const handler = async (
  event: APIGatewayTokenAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> => {
  const isTaken = await tokens.accept(event.authorizationToken);
  const [api, stage] = event.methodArn.split('/'); // of the path, which may hold a *, nothing
  const statement = {
    Action: 'execute-api:Invoke',
    Effect: isTaken ? ('Allow' as const) : ('Deny' as const),
    Resource: `${api}/${stage}/*`,
  };
  return {
    principalId: 'bearer',
    policyDocument: { Version: '2012-10-17', Statement: [statement] },
  };
};

/** openapi.json and the construct's REST API: the same routes, and what its gateway answers is in it. */

import { Ajv2020 } from 'ajv/dist/2020';
import { App, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { openApi } from '../../core/openapi';
import { ApiAuth } from '../../lib';
import { templateOf } from './stacks';

const document = openApi('0.0.0');
const secret = Secret.fromSecretNameV2(new Stack(new App(), 'Elsewhere'), 'Token', 'isr-token');

describe.each([
  ['ApiAuth.iam', templateOf()],
  ['ApiAuth.bearer', templateOf({ api: { auth: ApiAuth.bearer(secret) } })],
])('openapi.json and the API with %s', (_, template) => {
  it('have the same routes', () => {
    const resources = template.findResources('AWS::ApiGateway::Resource');
    const pathOf = (id: string): string => {
      const found = resources[id]?.Properties;
      return found ? `${pathOf(found.ParentId.Ref ?? '')}/${found.PathPart}` : '';
    };
    const methods = Object.values(template.findResources('AWS::ApiGateway::Method')).map(
      ({ Properties }) =>
        `${Properties.HttpMethod.toLowerCase()} ${pathOf(Properties.ResourceId.Ref)}`,
    );
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(methods.sort()).toEqual(described.sort());
  });

  it('have the same errors: each of the gateway’s is read by the schema', () => {
    const ajv = new Ajv2020({ strict: false }).addSchema(document, 'api');
    const isError = ajv.getSchema('api#/components/schemas/Error');
    const answers = Object.values(template.findResources('AWS::ApiGateway::GatewayResponse'));
    expect(answers.length).toBeGreaterThan(7);
    for (const { Properties } of answers) {
      const text = Properties.ResponseTemplates['application/json']
        .replaceAll('$context.error.messageString', '"said"')
        .replaceAll('$context.error.validationErrorString', 'said');
      expect([text, isError?.(JSON.parse(text))]).toEqual([text, true]);
    }
  });
});

/**
 * The functions' code, bundled when the package was built: a deployment needs neither esbuild nor Docker.
 *
 *     dist/lambda/recorder/index.js   beside   dist/lib/private/bundle.js
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { IsrError } from '../../core/errors';

export type FunctionName = 'recorder' | 'invalidator' | 'warmer' | 'jobs' | 'authorizer';

export const HANDLER = 'index.handler';

/** Workers and edge alike: AWS announced Node.js 24 for Lambda@Edge as well (aws/aws-cdk issue 36874 has the link). */
export const RUNTIME = lambda.Runtime.NODEJS_24_X;

/** @throws IsrError `config-invalid` when the package was not built */
export function bundleOf(name: FunctionName): lambda.Code {
  const folder = ['../../lambda', '../../dist/lambda'] // beside the compiled lib, or beside its source
    .map((path) => join(__dirname, path, name))
    .find((path) => existsSync(join(path, 'index.js')));
  if (folder) return lambda.Code.fromAsset(folder);
  throw new IsrError(
    'config-invalid',
    `the bundle lambda/${name}/index.js is missing: run npm run build`,
  );
}

/** Where a function's source is: its description, on every console page. */
export function sourceOf(name: FunctionName): string {
  return `lambda/${name}.ts`;
}

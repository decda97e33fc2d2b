/**
 * The functions' code, bundled when the package was built: a deployment needs neither esbuild nor Docker.
 * @module
 */
import { dirname } from 'node:path';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { builtPath } from './built';

export type FunctionName = 'recorder' | 'invalidator' | 'warmer' | 'jobs' | 'authorizer';

export const HANDLER = 'index.handler';

/** Workers and edge alike: AWS announced Node.js 24 for Lambda@Edge as well (aws/aws-cdk issue 36874 has the link). */
export const RUNTIME = lambda.Runtime.NODEJS_24_X;

/** @throws IsrError `config-invalid` when the package was not built */
export function bundleOf(name: FunctionName): lambda.Code {
  const path = `lambda/${name}/index.js`;
  return lambda.Code.fromAsset(dirname(builtPath(path, `the bundle ${path}`)));
}

/** Where a function's source is: its description, on every console page. */
export function sourceOf(name: FunctionName): string {
  return `lambda/${name}.ts`;
}

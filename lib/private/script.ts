/**
 * Scripts that CloudFront runs, as the build left them.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { IsrError } from '../../core/errors';
import { globalName, type Settings } from './settings';

/** CFDG, cloudfront-limits: letters, digits, hyphens and underscores, up to 64. */
const NAME_LENGTH_MAX = 64;

export type ScriptName = 'viewer-request' | 'static-response';

/** @throws IsrError `config-invalid` when the package was not built */
export function scriptOf(name: ScriptName): string {
  const found = ['../../functions', '../../dist/functions'] // beside the compiled lib, or beside its source
    .map((path) => join(__dirname, path, `${name}.js`))
    .find(existsSync);
  if (found) return readFileSync(found, 'utf8');
  throw new IsrError('config-invalid', `functions/${name}.js is missing: run npm run build`);
}

/** @param code the script, with what it needs in front */
export function functionOf(
  scope: Construct,
  { id, code, comment }: { id: string; code: string; comment: string },
  settings: Settings,
): cloudfront.Function {
  return new cloudfront.Function(scope, id, {
    functionName: `${globalName(settings)}-${id}`.slice(-NAME_LENGTH_MAX).replace(/^-+/, ''),
    comment: `edge-isr: ${comment}`,
    runtime: cloudfront.FunctionRuntime.JS_2_0,
    code: cloudfront.FunctionCode.fromInline(code),
  });
}

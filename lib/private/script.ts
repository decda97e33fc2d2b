/**
 * Scripts that CloudFront runs, as the build left them.
 * @module
 */
import { readFileSync } from 'node:fs';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { builtPath } from './built';
import { globalName, type Settings } from './settings';

/** CFDG, cloudfront-limits: letters, digits, hyphens and underscores, up to 64. */
const NAME_LENGTH_MAX = 64;

export type ScriptName = 'viewer-request' | 'static-response';

/** @throws IsrError `config-invalid` when the package was not built */
export function scriptOf(name: ScriptName): string {
  return readFileSync(builtPath(`functions/${name}.js`), 'utf8');
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

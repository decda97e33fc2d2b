/**
 * The CloudFront Function on viewer-request, with this site's rules in front.
 * @module
 */
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { IsrError } from '../../core/errors';
import { FUNCTION_BYTES_MAX, functionCode, hasRules } from '../../core/viewer-rules';
import { functionOf, scriptOf } from './script';
import type { Settings } from './settings';

/** @throws IsrError `option-invalid` when the rules are too long; undefined when there are none */
export function viewerFunction(
  scope: Construct,
  settings: Settings,
): cloudfront.Function | undefined {
  const { viewerRules } = settings;
  if (!hasRules(viewerRules)) return undefined;
  const code = functionCode(scriptOf('viewer-request'), viewerRules);
  const bytes = Buffer.byteLength(code);
  if (bytes > FUNCTION_BYTES_MAX) {
    throw new IsrError(
      'option-invalid',
      `EdgeIsr: dropParameters and variants make a function of ${bytes} bytes: CloudFront takes ${FUNCTION_BYTES_MAX}, name fewer`,
      'dropParameters',
    );
  }
  const comment = 'makes requests for the same page the same';
  return functionOf(scope, { id: 'ViewerRequest', code, comment }, settings);
}
